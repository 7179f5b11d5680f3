#include "core/record_store.h"

#include <algorithm>

namespace cairn::core {

using signaling::v1::Record;

namespace {

// What a record costs besides its own bytes: nodes, keys, strings' heads (measured: about 450).
constexpr size_t kOverhead = 450;

size_t BytesOf(std::string_view topic, const Record& record) {
  size_t bytes = kOverhead + 2 * topic.size() + record.blob().size() + record.peer_id().size();
  for (const std::string& address : record.addresses())
    bytes += address.size() + sizeof(std::string);
  return bytes;
}

bool SameContent(const Record& a, const Record& b) {
  return a.blob() == b.blob() && std::equal(a.addresses().begin(), a.addresses().end(),
                                            b.addresses().begin(), b.addresses().end());
}

// Whether the later of the two takes the place of the other.
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

void RecordStore::Put(std::string_view topic, Record record, int64_t now_us, Said said,
                      uint64_t lane) {
  Expire(now_us);
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
    if (is_later(*rival)) return;
    const bool only_alike =
        record.peer_id().empty() && rival->record.connection() != record.connection();
    if (only_alike && rival->lane != lane && rival->expires_us > entry.expires_us) return;
  }
  for (const auto& rival : rivals) Remove(Place{name, rival});
  entry.number = next_number_++;
  entry.bytes = BytesOf(topic, record);
  entry.record = std::move(record);
  const uint64_t connection = entry.record.connection();
  bytes_ += entry.bytes;

  Entries& entries = topics_[name];
  auto behind = entries.end();
  while (behind != entries.begin() && is_later(*std::prev(behind))) --behind;
  const auto added = entries.insert(behind, std::move(entry));
  by_expiry_[KeyOf(*added)] = Place{name, added};
  by_connection_[connection].insert(KeyOf(*added));

  if (entries.size() > limits_.max_per_topic)
    RemoveFor(RecordEnd::kTopicFull, Place{name, entries.begin()});
  const auto own = by_connection_.find(connection);
  if (own != by_connection_.end() && own->second.size() > limits_.max_per_connection) {
    RemoveFor(RecordEnd::kConnectionFull, by_expiry_.at(*own->second.begin()));
  }
  while (bytes_ > limits_.max_bytes) RemoveFor(RecordEnd::kBytesFull, by_expiry_.begin()->second);
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

void RecordStore::Collect(std::string_view topic, uint64_t asking,
                          google::protobuf::RepeatedPtrField<Record>* out) const {
  const Entries* entries = Find(topic);
  if (!entries) return;
  size_t left = limits_.max_answer_records;
  for (auto entry = entries->rbegin(); entry != entries->rend() && left > 0; ++entry) {
    if (entry->record.connection() == asking) continue;
    *out->Add() = entry->record;
    --left;
  }
}

const RecordStore::Entries* RecordStore::Find(std::string_view topic) const {
  const auto it = topics_.find(std::string(topic));
  return it == topics_.end() ? nullptr : &it->second;
}

void RecordStore::RemoveFor(RecordEnd reason, const Place& place) {
  ++ended_[static_cast<size_t>(reason)];
  Remove(place);
}

// `place` may lie in by_expiry_, which therefore comes last.
void RecordStore::Remove(const Place& place) {
  const Entry& entry = *place.entry;
  bytes_ -= entry.bytes;
  const auto key = KeyOf(entry);
  const auto own = by_connection_.find(entry.record.connection());
  own->second.erase(key);
  if (own->second.empty()) by_connection_.erase(own);
  const auto topic = topics_.find(place.topic);
  topic->second.erase(place.entry);
  if (topic->second.empty()) topics_.erase(topic);
  by_expiry_.erase(key);
}

}  // namespace cairn::core
