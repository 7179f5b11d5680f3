// InspectionCalls: the calls of the Admin API that operators make, and how long each takes when
// nothing else happens.
//
// Thread: its owner's.
// Errors: a call that fails ends the program, with its error on stderr.
#ifndef CAIRN_TESTS_BENCH_INSPECTION_CALLS_H_
#define CAIRN_TESTS_BENCH_INSPECTION_CALLS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "signaling/v1/admin.grpc.pb.h"
#include "tests/bench/core_process.h"
#include "tests/bench/latencies.h"

namespace cairn::bench {

struct ListingFigures {
  std::string what;
  size_t entries = 0;
  // Medians of several calls.
  double first_ms = 0;
  double whole_ms = 0;
};

struct UnaryFigures {
  std::string what;
  Latencies latencies;
};

class InspectionCalls {
 public:
  explicit InspectionCalls(const CoreProcess& core);

  signaling::v1::GetStatusResponse Status();
  // How many there were. `on_page` is called for every message.
  size_t ListPeers(
      const signaling::v1::ListPeersRequest& request, const std::function<void()>& on_page = [] {});
  size_t ListTopics(
      const signaling::v1::ListTopicsRequest& request,
      const std::function<void()>& on_page = [] {});
  // What `cairn-admin top` asks for one picture.
  void Top();
  signaling::v1::Topic Topic(const std::string& name);
  signaling::v1::Peer Peer(const std::string& id);
  // Of all peers.
  std::vector<std::string> PeerIds();

  std::vector<ListingFigures> TimeListings();
  std::vector<UnaryFigures> TimeUnary();

 private:
  const std::unique_ptr<signaling::v1::Admin::Stub> stub_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_INSPECTION_CALLS_H_
