#include "edge/record_cache.h"

#include <absl/strings/str_cat.h>

namespace cairn::edge {

using signaling::v1::LaneEvent;
using signaling::v1::Record;

namespace {

constexpr size_t kOverhead = 300;  // of an entry and its key, besides their text

}  // namespace

std::string RecordCache::KeyOf(std::string_view topic, const Record& record) {
  const std::string publisher = record.peer_id().empty() ? absl::StrCat("#", record.connection()) : record.peer_id();
  return absl::StrCat(topic.size(), ":", absl::string_view(topic.data(), topic.size()), publisher);
}

void RecordCache::Keep(std::string_view topic, const Record& record, int64_t now_us) {
  DropExpired(now_us);
  Kept kept{std::string(topic), record, now_us + record.ttl_us(), next_number_++, 0};
  kept.bytes = kOverhead + 2 * topic.size() + record.ByteSizeLong();
  last_[KeyOf(topic, record)] = kept.number;
  bytes_ += kept.bytes;
  kept_.push_back(std::move(kept));
  while (bytes_ > max_bytes_) DropFront();
}

void RecordCache::AppendSnapshot(int64_t now_us, signaling::v1::LaneToCore& out) {
  DropExpired(now_us);
  for (const Kept& kept : kept_) {
    if (last_[KeyOf(kept.topic, kept.record)] != kept.number) continue;
    LaneEvent* event = out.add_events();
    event->set_kind(LaneEvent::KIND_PUBLISHED);
    event->set_peer(kept.record.connection());
    event->set_topic(kept.topic);
    *event->mutable_record() = kept.record;
    event->mutable_record()->set_ttl_us(kept.expires_us - now_us);
  }
}

void RecordCache::DropExpired(int64_t now_us) {
  while (!kept_.empty() && kept_.front().expires_us <= now_us) DropFront();
}

void RecordCache::DropFront() {
  const Kept& front = kept_.front();
  const auto last = last_.find(KeyOf(front.topic, front.record));
  if (last != last_.end() && last->second == front.number) last_.erase(last);
  bytes_ -= front.bytes;
  kept_.pop_front();
}

}  // namespace cairn::edge
