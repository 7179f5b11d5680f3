// HeldQueries: the queries that wait for the first record of a topic.
//
// How long they wait is decided by the edges, which end them.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: max_held in total; a query above it is not held, and its edge sends an empty answer in
//         time.
#ifndef CAIRN_CORE_HELD_QUERIES_H_
#define CAIRN_CORE_HELD_QUERIES_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::core {

class HeldQueries {
 public:
  explicit HeldQueries(size_t max_held = 100'000);

  // False when there is no room. A peer that asks again for a topic is still held once.
  bool Hold(std::string_view topic, uint64_t peer);

  // Removes and returns everyone who waits for the topic.
  std::vector<uint64_t> Take(std::string_view topic);

  void Remove(std::string_view topic, uint64_t peer);

  size_t size() const { return held_; }

 private:
  const size_t max_held_;
  size_t held_ = 0;
  absl::flat_hash_map<std::string, std::vector<uint64_t>> topics_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_HELD_QUERIES_H_
