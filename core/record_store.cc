#include "core/record_store.h"

#include <algorithm>
#include <utility>

namespace cairn::core {

using signaling::v1::Record;

namespace {

// What a record costs besides its content: nodes, keys, string headers (measured: about 500).
constexpr size_t kOverhead = 500;

size_t BytesOf(std::string_view topic, const Record& record) {
  size_t bytes = kOverhead + 2 * topic.size() + record.blob().size() + record.peer_id().size();
  for (const std::string& address : record.addresses())
    bytes += address.size() + sizeof(std::string);
  return bytes;
}

// The least that an answer contains of it, in any form.
size_t SaidBytes(const Record& record) {
  size_t bytes = record.peer_id().size() + record.blob().size();
  for (const std::string& address : record.addresses()) bytes += address.size();
  return bytes;
}

RecordHolders::Holder HolderOf(const Record& record) {
  return {record.source(), record.connection()};
}

bool SameContent(const Record& a, const Record& b) {
  return a.blob() == b.blob() && std::equal(a.addresses().begin(), a.addresses().end(),
                                            b.addresses().begin(), b.addresses().end());
}

// Whether the later of the two replaces the other.
bool AreRivals(const Record& a, const Record& b) {
  if (!a.peer_id().empty() || !b.peer_id().empty()) return a.peer_id() == b.peer_id();
  return a.connection() == b.connection() || SameContent(a, b);
}

}  // namespace

std::string_view Name(RecordEnd reason) {
  static constexpr std::string_view kNames[] = {
#define X(enumerator, name) name,
      CAIRN_CORE_RECORD_END_REASONS(X)
#undef X
  };
  return kNames[static_cast<size_t>(reason)];
}

RecordStore::RecordStore(RecordLimits limits)
    : limits_(limits), holders_(limits.max_bytes / kGrains) {}
RecordStore::~RecordStore() = default;

bool RecordStore::Put(std::string_view topic, Record record, int64_t now_us, Said said,
                      uint64_t lane) {
  Expire(now_us);
  if (SaidBytes(record) > limits_.max_record_bytes) {
    ++ended_[static_cast<size_t>(RecordEnd::kTooLarge)];
    return false;
  }
  const std::string name(topic);
  Entry entry;
  entry.published_us = now_us;
  entry.lane = lane;
  entry.expires_us = now_us + std::clamp<int64_t>(record.ttl_us(), 0, limits_.max_ttl_us);
  const auto is_later = [&entry, said](const Entry& other) {
    return said == Said::kBefore && other.expires_us > entry.expires_us;
  };
  const std::vector<Entries::iterator> rivals = Rivals(name, record);
  for (const auto& rival : rivals) {
    // A lane's record of its own publisher is newer than the one that it sent before.
    const bool is_own =
        lane != 0 && rival->lane == lane && rival->record.connection() == record.connection();
    if (is_later(*rival) && !is_own) return true;
    const bool only_alike =
        record.peer_id().empty() && rival->record.connection() != record.connection();
    if (only_alike && rival->lane != lane && rival->expires_us > entry.expires_us) return true;
  }
  for (const auto& rival : rivals) Remove(Place{name, rival});
  entry.number = next_number_++;
  entry.bytes = BytesOf(topic, record);
  entry.record = std::move(record);
  bytes_ += entry.bytes;

  Entries& entries = topics_[name];
  auto behind = entries.end();
  while (behind != entries.begin() && is_later(*std::prev(behind))) --behind;
  const auto added = entries.insert(behind, std::move(entry));
  by_expiry_[KeyOf(*added)] = Place{name, added};
  holders_.Add(HolderOf(added->record), KeyOf(*added), added->bytes);
  MakeRoom(name, *added);
  return true;
}

// `entry` itself may be removed by any of the steps.
void RecordStore::MakeRoom(const std::string& topic, const Entry& entry) {
  const std::string source = entry.record.source();
  const uint64_t connection = entry.record.connection();
  const RecordHolders::Holder holder{source, connection};
  const Key key = KeyOf(entry);
  const auto is_in = [&] { return by_expiry_.contains(key); };
  if (const Entries& entries = topics_.at(topic); entries.size() > limits_.max_per_topic) {
    const Key last = KeyOf(*Spread(entries).back());
    RemoveFor(RecordEnd::kTopicFull, by_expiry_.at(last));
  }
  while (is_in() && (holders_.RecordsOf(holder) > limits_.max_per_connection ||
                     holders_.BytesOf(holder) > limits_.max_connection_bytes)) {
    RemoveFor(RecordEnd::kConnectionFull, by_expiry_.at(holders_.FirstOf(holder)));
  }
  while (is_in() && holders_.BytesOfSource(source) > limits_.max_source_bytes)
    RemoveFor(RecordEnd::kAddressFull, by_expiry_.at(holders_.FirstOfSource(source)));
  while (bytes_ > limits_.max_bytes)
    RemoveFor(RecordEnd::kBytesFull, by_expiry_.at(holders_.First()));
}

std::vector<RecordStore::Entries::iterator> RecordStore::Rivals(const std::string& topic,
                                                                const Record& record) {
  std::vector<Entries::iterator> rivals;
  const auto it = topics_.find(topic);
  if (it == topics_.end()) return rivals;
  for (auto entry = it->second.begin(); entry != it->second.end(); ++entry) {
    if (AreRivals(entry->record, record)) rivals.push_back(entry);
  }
  return rivals;
}

void RecordStore::Expire(int64_t now_us) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first.first <= now_us) {
    RemoveFor(RecordEnd::kExpired, by_expiry_.begin()->second);
  }
}

bool RecordStore::Has(std::string_view topic, uint64_t asking) const {
  const Entries* entries = Find(topic);
  return entries && std::any_of(entries->begin(), entries->end(), [asking](const Entry& entry) {
           return entry.record.connection() != asking;
         });
}

uint32_t RecordStore::Collect(std::string_view topic, uint64_t asking, size_t max_bytes,
                              google::protobuf::RepeatedPtrField<Record>* out) const {
  const Entries* entries = Find(topic);
  if (!entries) return 0;
  max_bytes = std::min(max_bytes, limits_.max_answer_bytes);
  uint32_t left_out = 0;
  size_t bytes = 0, records = 0;
  for (const auto& entry : Spread(*entries)) {
    if (entry->record.connection() == asking) continue;
    const size_t more = SaidBytes(entry->record);
    if (records == limits_.max_answer_records || bytes + more > max_bytes) {
      ++left_out;
      continue;
    }
    bytes += more;
    ++records;
    Record& copy = *out->Add();
    copy = entry->record;
    copy.clear_source();
  }
  return left_out;
}

std::vector<RecordStore::Entries::const_iterator> RecordStore::Spread(const Entries& entries) {
  // The rank of each record among those of its address: the newest one of every connection comes
  // first. Topics are small (max_per_topic).
  struct Ranked {
    Entries::const_iterator entry;
    size_t of_connection;
    size_t of_source = 0;
  };
  std::vector<Ranked> ranked;  // newest first
  for (auto entry = entries.end(); entry != entries.begin();) {
    --entry;
    const size_t newer = static_cast<size_t>(
        std::count_if(ranked.begin(), ranked.end(), [&entry](const Ranked& other) {
          return other.entry->record.connection() == entry->record.connection() &&
                 other.entry->record.source() == entry->record.source();
        }));
    ranked.push_back({entry, newer});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.of_connection < b.of_connection;
  });
  for (auto one = ranked.begin(); one != ranked.end(); ++one) {
    one->of_source =
        static_cast<size_t>(std::count_if(ranked.begin(), one, [one](const Ranked& other) {
          return other.entry->record.source() == one->entry->record.source();
        }));
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return std::pair(a.of_source, a.of_connection) < std::pair(b.of_source, b.of_connection);
  });
  std::vector<Entries::const_iterator> order;
  order.reserve(ranked.size());
  for (const Ranked& one : ranked) order.push_back(one.entry);
  return order;
}

const RecordStore::Entries* RecordStore::Find(std::string_view topic) const {
  const auto it = topics_.find(std::string(topic));
  return it == topics_.end() ? nullptr : &it->second;
}

void RecordStore::RemoveFor(RecordEnd reason, const Place& place) {
  ++ended_[static_cast<size_t>(reason)];
  Remove(place);
}

// `place` may refer into by_expiry_, so that is changed last.
void RecordStore::Remove(const Place& place) {
  const Entry& entry = *place.entry;
  bytes_ -= entry.bytes;
  const auto key = KeyOf(entry);
  holders_.Remove(HolderOf(entry.record), key, entry.bytes);
  const auto topic = topics_.find(place.topic);
  topic->second.erase(place.entry);
  if (topic->second.empty()) topics_.erase(topic);
  by_expiry_.erase(key);
}

}  // namespace cairn::core
