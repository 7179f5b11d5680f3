// RecordStore: the records published under topics, until they expire.
//
// A publisher is the peer id it announces, or else its connection. Of records without a peer id,
// one with the same content as another takes its place, whoever published it: one-shot clients come
// back over a new connection each time. A lane cannot shorten the life of another's in this way.
//
// Nobody can push out what others have published: of a full topic, and when all bytes are used, a
// record of the address (Record.source) that has most there goes, and of that address one of the
// connection that has most.
//
// Owner:  Router.
// Thread: the router's. Time is handed in, microseconds of the steady clock.
// Bounds: RecordLimits. What has to go has a named reason and is counted.
#ifndef CAIRN_CORE_RECORD_STORE_H_
#define CAIRN_CORE_RECORD_STORE_H_

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/record_holders.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

struct RecordLimits {
  size_t max_per_topic = 16;
  // One record. Refused: no answer could hold it (wire::kMaxLargeResultBytes).
  size_t max_record_bytes = 64 << 10;
  // Of one connection, over all topics. The record of its own that expires first goes.
  size_t max_per_connection = 1024;
  size_t max_connection_bytes = 1 << 20;
  // Of all connections of one address, or of one IPv6 network of 64 bits.
  size_t max_source_bytes = 16 << 20;
  size_t max_bytes = 64 << 20;
  // What a query is answered with, whatever it asks for.
  size_t max_answer_records = 16;
  size_t max_answer_bytes = 64 << 10;
  int64_t max_ttl_us = int64_t{25} * 3600 * 1'000'000;
};

// X(enumerator, name)
#define CAIRN_CORE_RECORD_END_REASONS(X)                                       \
  X(kExpired, "record_expired")                /* its time to live is over */  \
  X(kTopicFull, "record_topic_full")           /* max_per_topic */             \
  X(kConnectionFull, "record_connection_full") /* ..., max_connection_bytes */ \
  X(kAddressFull, "record_address_full")       /* max_source_bytes */          \
  X(kBytesFull, "record_bytes_full")           /* max_bytes */                 \
  X(kTooLarge, "record_too_large")             /* max_record_bytes: refused */

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

  explicit RecordStore(RecordLimits limits = {})
      : limits_(limits), holders_(limits.max_bytes / kGrains) {}

  // `lane`: that it came from. False when it is refused.
  bool Put(std::string_view topic, signaling::v1::Record record, int64_t now_us,
           Said said = Said::kNow, uint64_t lane = 0);
  // Removes expired records; cheap when there are none.
  void Expire(int64_t now_us);

  // Whether the topic has a record that is not of `asking`.
  bool Has(std::string_view topic, uint64_t asking) const;
  // Appends the topic's records but those of `asking`, without their source: first the newest of
  // every address, then the second newest of every address, and so on; as many as an answer of
  // `max_bytes` may have. Returns how many it had no room for.
  uint32_t Collect(std::string_view topic, uint64_t asking, size_t max_bytes,
                   google::protobuf::RepeatedPtrField<signaling::v1::Record>* out) const;

  // For inspection: oldest first; null when there are none.
  const Entries* Find(std::string_view topic) const;
  size_t size() const { return by_expiry_.size(); }
  size_t bytes() const { return bytes_; }
  uint64_t ended(RecordEnd reason) const { return ended_[static_cast<size_t>(reason)]; }

 private:
  // Differences of less than one of so many parts of max_bytes do not count.
  static constexpr size_t kGrains = 1024;

  using Topics = absl::flat_hash_map<std::string, Entries>;
  using Key = RecordHolders::Key;
  struct Place {
    std::string topic;
    Entries::iterator entry;
  };

  static Key KeyOf(const Entry& entry) { return {entry.expires_us, entry.number}; }
  // Takes a copy of `place`, because the original is destroyed with the record.
  void Remove(const Place& place);
  void RemoveFor(RecordEnd reason, const Place& place);
  // Removes what is too much once `entry` of the topic is in.
  void MakeRoom(const std::string& topic, const Entry& entry);
  // The topic's records in the order in which answers have them. The last one goes first.
  static std::vector<Entries::const_iterator> Spread(const Entries& entries);
  // The records that `record` would replace.
  std::vector<Entries::iterator> Rivals(const std::string& topic,
                                        const signaling::v1::Record& record);

  const RecordLimits limits_;
  Topics topics_;
  absl::btree_map<Key, Place> by_expiry_;
  RecordHolders holders_;
  std::array<uint64_t, kRecordEndCount> ended_ = {};
  size_t bytes_ = 0;
  uint64_t next_number_ = 1;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RECORD_STORE_H_
