// RecordCache: records that a lane's clients have published, kept to be published again when a core
// is replaced.
//
// Clients that publish and disconnect are gone long before a core is; their edge keeps their
// records until they expire.
//
// Owner:  Lane.
// Thread: its loop. Time is passed in, and never goes back.
// Bounds: `max_bytes`: of the address that holds most, and of that the connection that holds most,
//         the oldest record is dropped. All records have the same lifetime, so they expire in the
//         order of publishing.
#ifndef CAIRN_EDGE_RECORD_CACHE_H_
#define CAIRN_EDGE_RECORD_CACHE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "base/record_holders.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class RecordCache {
 public:
  explicit RecordCache(size_t max_bytes);
  ~RecordCache();

  // Replaces what the publisher published before under the topic.
  void Keep(std::string_view topic, const signaling::v1::Record& record, absl::Duration now,
            uint64_t seq = 0, uint64_t proof = 0);
  // Whether the newest record of its publisher and topic has this LaneEvent.seq.
  bool IsNewest(std::string_view topic, const signaling::v1::Record& record, uint64_t seq) const;
  // A core without records is about to be sent those that are kept now, oldest first.
  void BeginSnapshot();
  // Fills `event` as KIND_PUBLISHED with seq 0 for the next record that has not expired. False
  // after the last one.
  bool TakeForSnapshot(absl::Duration now, signaling::v1::LaneEvent& event);

  size_t size() const { return kept_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  // Differences below max_bytes divided by this are ignored.
  static constexpr size_t kGrains = 256;

  struct Kept {
    std::string key;  // in by_key_
    std::string topic;
    signaling::v1::Record record;
    absl::Duration expires;
    uint64_t seq;     // of the event that published it
    uint64_t proof;   // LaneEvent.proof
    uint64_t number;  // 1, 2, 3, … in the order of Keep()
    size_t bytes;
  };
  using All = std::list<Kept>;  // oldest first

  void DropExpired(absl::Duration now);
  void Drop(All::iterator kept);
  static RecordHolders::Key NumberOf(const Kept& kept) {
    return {absl::ToInt64Microseconds(kept.expires), kept.number};
  }
  static std::string KeyOf(std::string_view topic, const signaling::v1::Record& record);

  const size_t max_bytes_;
  All kept_;
  // By topic and publisher.
  absl::flat_hash_map<std::string, All::iterator> by_key_;
  absl::flat_hash_map<uint64_t, All::iterator> by_number_;
  RecordHolders holders_;
  size_t bytes_ = 0;
  uint64_t last_number_ = 0;
  // The next record of the snapshot; records after snapshot_end_ came later, and were sent when
  // they came.
  All::iterator snapshot_next_ = kept_.end();
  uint64_t snapshot_end_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_RECORD_CACHE_H_
