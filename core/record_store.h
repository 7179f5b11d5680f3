// RecordStore: the records published under topics, until they expire.
//
// A publisher is identified by the peer id that it announces, otherwise by its connection. A record
// without a peer id replaces one with the same content, of any publisher: clients that publish
// and disconnect return over a new connection each time. A lane cannot shorten the lifetime of
// another lane's record in this way.
//
// No client can displace others' records: when a topic is full, or all bytes are used, a record of
// the address (Record.source) that has most is removed, and of that address one of the connection
// that has most.
//
// Owner:  Router.
// Thread: the router's. Time is passed in, as microseconds of the steady clock.
// Bounds: RecordLimits. Each removal has a named reason and is counted.
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
  // One record. Exceeded: it is refused, because no answer could hold it
  // (wire::kMaxLargeResultBytes).
  size_t max_record_bytes = 64 << 10;
  // Of one connection, over all topics. Exceeded: its record that expires first is removed.
  size_t max_per_connection = 1024;
  size_t max_connection_bytes = 1 << 20;
  // Of all connections of one address, or of one IPv6 network of 64 bits.
  size_t max_source_bytes = 16 << 20;
  size_t max_bytes = 64 << 20;
  // The maximum size of an answer, whatever the query asks for.
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

  explicit RecordStore(RecordLimits limits = {});
  ~RecordStore();

  // `lane`: the one that sent it. False when it is refused.
  bool Put(std::string_view topic, signaling::v1::Record record, int64_t now_us,
           Said said = Said::kNow, uint64_t lane = 0);
  // Removes expired records; cheap when there are none.
  void Expire(int64_t now_us);

  // Whether the topic has a record that is not of `asking`.
  bool Has(std::string_view topic, uint64_t asking) const;
  // Appends the topic's records except those of `asking`, without their source: first the newest of
  // every address, then the second newest of every address, and so on; as many as fit into an
  // answer of `max_bytes`. Returns how many did not fit.
  uint32_t Collect(std::string_view topic, uint64_t asking, size_t max_bytes,
                   google::protobuf::RepeatedPtrField<signaling::v1::Record>* out) const;

  // Calls each(topic, entry) for every record, those of a topic oldest first.
  template <typename Each>
  void ForEach(Each each) const {
    for (const auto& [topic, entries] : topics_) {
      for (const Entry& entry : entries) each(topic, entry);
    }
  }
  // For inspection: oldest first; null when there are none.
  const Entries* Find(std::string_view topic) const;
  size_t size() const { return by_expiry_.size(); }
  size_t bytes() const { return bytes_; }
  uint64_t ended(RecordEnd reason) const { return ended_[static_cast<size_t>(reason)]; }

 private:
  // Differences below max_bytes divided by this are ignored.
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
  // Removes what exceeds the bounds after `entry` of the topic was added.
  void MakeRoom(const std::string& topic, const Entry& entry);
  // The topic's records in the order of answers. The last one is removed first.
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
