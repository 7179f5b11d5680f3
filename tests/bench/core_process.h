// CoreProcess: a core of its own for a benchmark, on a unix socket of its own.
//
// Thread: its owner's.
// Errors: Start() prints the reason to stderr.
#ifndef CAIRN_TESTS_BENCH_CORE_PROCESS_H_
#define CAIRN_TESTS_BENCH_CORE_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace grpc {
class Channel;
}

namespace cairn::bench {

class CoreProcess {
 public:
  // `program`: cairn-signal. Returns when the core answers; null when it does not. Before any other
  // use of gRPC.
  static std::unique_ptr<CoreProcess> Start(const std::string& program);
  ~CoreProcess();

  // A connection of its own: two channels share nothing.
  std::shared_ptr<grpc::Channel> Connect() const;
  uint64_t ResidentBytes() const;

 private:
  CoreProcess(std::string directory, pid_t pid)
      : directory_(std::move(directory)), address_("unix:" + directory_ + "/core"), pid_(pid) {}

  const std::string directory_;
  const std::string address_;
  const pid_t pid_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_CORE_PROCESS_H_
