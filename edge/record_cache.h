// RecordCache: what a lane's clients have published and would have to be said again to a core that
// has lost it.
//
// One-shot clients are gone long before a core is; their edge keeps their word until it expires.
// Owner:  Lane. Thread: its loop.
// Bounds: `max_bytes`; the oldest goes first. All records live equally long, so the order of
// publishing is that of
//         expiry.
#ifndef CAIRN_EDGE_RECORD_CACHE_H_
#define CAIRN_EDGE_RECORD_CACHE_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class RecordCache {
 public:
  explicit RecordCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  // In the place of what the publisher has said of the topic before.
  void Keep(std::string_view topic, const signaling::v1::Record& record, int64_t now_us);
  // Appends KIND_PUBLISHED with seq 0 for each record that has not expired, oldest first.
  void AppendSnapshot(int64_t now_us, signaling::v1::LaneToCore& out);

  size_t size() const { return kept_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    std::string key;  // in by_key_
    std::string topic;
    signaling::v1::Record record;
    int64_t expires_us;
    size_t bytes;
  };
  using All = std::list<Kept>;  // oldest first

  void DropExpired(int64_t now_us);
  void Drop(All::iterator kept);
  static std::string KeyOf(std::string_view topic, const signaling::v1::Record& record);

  const size_t max_bytes_;
  All kept_;
  // By topic and publisher.
  absl::flat_hash_map<std::string, All::iterator> by_key_;
  size_t bytes_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_RECORD_CACHE_H_
