// RecordStore: what publishers last said about topics, until it expires.
//
// A publisher is the peer id it announces, or else its connection. Of records without a peer id,
// one with the same content as another takes its place, whoever published it: one-shot clients come
// back over a new connection each time. A lane cannot shorten the life of another's in this way.
//
// Owner:  Router. Thread: the router's. Time is handed in, microseconds of the steady clock.
// Bounds: RecordLimits. What has to go has a named reason and is counted: in a full topic the
// oldest record; when all
//         bytes are used, the one that expires first.
#ifndef CAIRN_CORE_RECORD_STORE_H_
#define CAIRN_CORE_RECORD_STORE_H_

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

struct RecordLimits {
  size_t max_per_topic = 16;
  // Records of one connection, over all topics. The oldest of its records goes.
  size_t max_per_connection = 1024;
  size_t max_bytes = 64 << 20;
  // What a query is answered with, newest first.
  size_t max_answer_records = 16;
  int64_t max_ttl_us = int64_t{25} * 3600 * 1'000'000;
};

// X(enumerator, name)
#define CAIRN_CORE_RECORD_END_REASONS(X)                                      \
  X(kExpired, "record_expired")                /* its time to live is over */ \
  X(kTopicFull, "record_topic_full")           /* max_per_topic */            \
  X(kConnectionFull, "record_connection_full") /* max_per_connection */       \
  X(kBytesFull, "record_bytes_full")           /* max_bytes */

enum class RecordEnd : uint8_t {
#define X(enumerator, name) enumerator,
  CAIRN_CORE_RECORD_END_REASONS(X)
#undef X
};
#define X(...) +1
inline constexpr size_t kRecordEndCount = 0 CAIRN_CORE_RECORD_END_REASONS(X);
#undef X
std::string_view Name(RecordEnd reason);

class RecordStore {
 public:
  struct Entry {
    signaling::v1::Record record;
    int64_t published_us = 0;
    int64_t expires_us = 0;
    uint64_t number = 0;  // 1, 2, 3, … in the order of Put()
    uint64_t lane = 0;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // in the order of publishing

  enum class Said : uint8_t {
    kNow,
    kBefore,  // by a lane to a core that has lost it; lanes do so in any order, so its time to live
              // tells its age
  };

  explicit RecordStore(RecordLimits limits = {}) : limits_(limits) {}

  // `lane`: that it came from.
  void Put(std::string_view topic, signaling::v1::Record record, int64_t now_us,
           Said said = Said::kNow, uint64_t lane = 0);
  // Removes what has expired; cheap when nothing has.
  void Expire(int64_t now_us);

  // Appends the topic's records, newest first, but those of `asking`; as many as an answer may
  // have.
  void Collect(std::string_view topic, uint64_t asking,
               google::protobuf::RepeatedPtrField<signaling::v1::Record>* out) const;

  // For inspection: oldest first; null when there are none.
  const Entries* Find(std::string_view topic) const;
  size_t size() const { return by_expiry_.size(); }
  size_t bytes() const { return bytes_; }
  uint64_t ended(RecordEnd reason) const { return ended_[static_cast<size_t>(reason)]; }

 private:
  using Topics = absl::flat_hash_map<std::string, Entries>;
  // Expiry, then the entry's number.
  using Key = std::pair<int64_t, uint64_t>;
  struct Place {
    std::string topic;
    Entries::iterator entry;
  };

  static Key KeyOf(const Entry& entry) { return {entry.expires_us, entry.number}; }
  // Takes a copy of `place`, whose original goes with the record.
  void Remove(const Place& place);
  void RemoveFor(RecordEnd reason, const Place& place);
  // Those that `record` would take the place of.
  std::vector<Entries::iterator> Rivals(const std::string& topic,
                                        const signaling::v1::Record& record);

  const RecordLimits limits_;
  Topics topics_;
  absl::btree_map<Key, Place> by_expiry_;
  absl::flat_hash_map<uint64_t, absl::btree_set<Key>> by_connection_;
  std::array<uint64_t, kRecordEndCount> ended_ = {};
  size_t bytes_ = 0;
  uint64_t next_number_ = 1;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RECORD_STORE_H_
