// Population: peers and topics that fill a core, and the lanes that speak for them.
//
// Each peer is in three topics: one that two share, as they do who look for each other, one of a
// hundred and one of a thousand. Ids, addresses and figures differ, and are the same in every run.
//
// Thread: its owner's.
// Errors: false when a lane's stream has ended.
#ifndef CAIRN_TESTS_BENCH_POPULATION_H_
#define CAIRN_TESTS_BENCH_POPULATION_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bench_lane.h"
#include "tests/bench/core_process.h"

namespace cairn::bench {

// How many share each of a peer's topics.
inline constexpr size_t kShares[] = {2, 100, 1000};

uint64_t PeerNumberAt(size_t index);
// The topic that this peer and share - 1 others are in.
std::string TopicAt(size_t share, size_t index);

class Population {
 public:
  Population(const CoreProcess& core, size_t peers, size_t lanes);

  // In this order; each returns when the core has handled all of it.
  bool Open();
  bool Subscribe();
  bool Report();
  // Peers besides these come and go.
  bool PassThrough(size_t peers);

  size_t peers() const { return peers_; }
  size_t subscriptions() const { return peers_ * std::size(kShares); }
  size_t topics() const;
  bool broken() const;

 private:
  // Sends the events that `describe` adds for every index, in chunks, spread over the lanes.
  template <typename Describe>
  bool Say(size_t first, size_t count, Describe describe);

  const size_t peers_;
  std::vector<std::unique_ptr<BenchLane>> lanes_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_POPULATION_H_
