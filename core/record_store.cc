#include "core/record_store.h"

#include <algorithm>

namespace cairn::core {

using signaling::v1::Record;

namespace {

// What a record costs besides its own bytes: nodes, keys, strings' heads (measured: about 450).
constexpr size_t kOverhead = 450;

size_t BytesOf(std::string_view topic, const Record& record) {
  size_t bytes = kOverhead + 2 * topic.size() + record.blob().size() + record.peer_id().size();
  for (const std::string& address : record.addresses()) bytes += address.size() + sizeof(std::string);
  return bytes;
}

bool SameContent(const Record& a, const Record& b) {
  return a.blob() == b.blob() && std::equal(a.addresses().begin(), a.addresses().end(), b.addresses().begin(),
                                            b.addresses().end());
}

bool SamePublisher(const Record& a, const Record& b) {
  if (a.peer_id().empty() && b.peer_id().empty()) return a.connection() == b.connection();
  return a.peer_id() == b.peer_id();
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

void RecordStore::Put(std::string_view topic, Record record, int64_t now_us) {
  Expire(now_us);
  RemoveEarlier(topic, record);
  Entry entry;
  entry.published_us = now_us;
  entry.expires_us = now_us + std::clamp<int64_t>(record.ttl_us(), 0, limits_.max_ttl_us);
  entry.number = next_number_++;
  entry.bytes = BytesOf(topic, record);
  entry.record = std::move(record);
  const uint64_t connection = entry.record.connection();
  bytes_ += entry.bytes;

  const std::string name(topic);
  Entries& entries = topics_[name];
  entries.push_back(std::move(entry));
  const auto added = std::prev(entries.end());
  by_expiry_[KeyOf(*added)] = Place{name, added};
  by_connection_[connection].insert(KeyOf(*added));

  if (entries.size() > limits_.max_per_topic) RemoveFor(RecordEnd::kTopicFull, Place{name, entries.begin()});
  if (const auto& own = by_connection_[connection]; own.size() > limits_.max_per_connection) {
    RemoveFor(RecordEnd::kConnectionFull, by_expiry_.at(*own.begin()));
  }
  while (bytes_ > limits_.max_bytes) RemoveFor(RecordEnd::kBytesFull, by_expiry_.begin()->second);
}

// The publisher's last word on the topic, and whatever says the same.
void RecordStore::RemoveEarlier(std::string_view topic, const Record& record) {
  const std::string name(topic);
  const auto it = topics_.find(name);
  if (it == topics_.end()) return;
  std::vector<Entries::iterator> gone;
  for (auto entry = it->second.begin(); entry != it->second.end(); ++entry) {
    if (SamePublisher(entry->record, record) || SameContent(entry->record, record)) gone.push_back(entry);
  }
  for (const auto& entry : gone) Remove(Place{name, entry});
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

void RecordStore::RemoveFor(RecordEnd reason, Place place) {
  ++ended_[static_cast<size_t>(reason)];
  Remove(std::move(place));
}

void RecordStore::Remove(Place place) {
  const Entry& entry = *place.entry;
  bytes_ -= entry.bytes;
  const auto own = by_connection_.find(entry.record.connection());
  own->second.erase(KeyOf(entry));
  if (own->second.empty()) by_connection_.erase(own);
  by_expiry_.erase(KeyOf(entry));
  const auto topic = topics_.find(place.topic);
  topic->second.erase(place.entry);
  if (topic->second.empty()) topics_.erase(topic);
}

}  // namespace cairn::core
