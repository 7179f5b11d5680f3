// Load: calls of operators, or peers that join and leave, repeated while relays are measured.
//
// Owner:  from construction to destruction its own threads keep at it, each call right behind the
//         one before.
#ifndef CAIRN_TESTS_BENCH_INSPECTION_LOAD_H_
#define CAIRN_TESTS_BENCH_INSPECTION_LOAD_H_

#include <grpcpp/client_context.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/bench_lane.h"
#include "tests/bench/core_process.h"
#include "tests/bench/inspection_calls.h"

namespace cairn::bench {

enum class LoadKind {
  kCompute,  // nothing is asked of the core: what a busy processor alone does to relays
  kListAll,
  kListSorted,
  kTop,
  kListClosed,
  kGetStatus,
  kChanges,
  kWatched
};
inline constexpr LoadKind kAllLoads[] = {
    LoadKind::kCompute,    LoadKind::kListAll,   LoadKind::kListSorted, LoadKind::kTop,
    LoadKind::kListClosed, LoadKind::kGetStatus, LoadKind::kChanges,    LoadKind::kWatched};
const char* Name(LoadKind kind);

class Load {
 public:
  Load(const CoreProcess& core, LoadKind kind);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // The work so far, as text.
  std::string Done() const;

 private:
  void Repeat(std::function<void()> call);
  // Subscriptions of one peer change kChangesPerSecond times a second.
  void Change();
  void Watch();
  void Trace();

  // Immutable after construction.
  const LoadKind kind_;
  const std::shared_ptr<grpc::Channel> channel_;
  InspectionCalls calls_;
  std::unique_ptr<BenchLane> lane_;

  std::atomic<bool> over_{false};
  std::atomic<uint64_t> done_{0};
  std::atomic<uint64_t> missed_{0};
  grpc::ClientContext watch_, trace_;
  std::vector<std::thread> threads_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_INSPECTION_LOAD_H_
