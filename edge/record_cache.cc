#include "edge/record_cache.h"

#include <absl/strings/str_cat.h>

#include <iterator>
#include <utility>

namespace cairn::edge {

using signaling::v1::LaneEvent;
using signaling::v1::Record;

namespace {

constexpr size_t kOverhead = 400;  // of an entry and its keys, besides their text

}  // namespace

RecordCache::RecordCache(size_t max_bytes) : max_bytes_(max_bytes), holders_(max_bytes / kGrains) {}
RecordCache::~RecordCache() = default;

std::string RecordCache::KeyOf(std::string_view topic, const Record& record) {
  const std::string publisher =
      record.peer_id().empty() ? absl::StrCat("#", record.connection()) : record.peer_id();
  return absl::StrCat(topic.size(), ":", absl::string_view(topic.data(), topic.size()), publisher);
}

void RecordCache::Keep(std::string_view topic, const Record& record, absl::Duration now,
                       uint64_t seq, uint64_t proof) {
  DropExpired(now);
  Kept kept{KeyOf(topic, record),
            std::string(topic),
            record,
            now + absl::Microseconds(record.ttl_us()),
            seq,
            proof,
            ++last_number_,
            0};
  kept.bytes = kOverhead + 2 * kept.key.size() + topic.size() + record.ByteSizeLong();
  if (const auto earlier = by_key_.find(kept.key); earlier != by_key_.end()) Drop(earlier->second);
  bytes_ += kept.bytes;
  kept_.push_back(std::move(kept));
  by_key_[kept_.back().key] = by_number_[last_number_] = std::prev(kept_.end());
  holders_.Add({record.source(), record.connection()}, NumberOf(kept_.back()), kept_.back().bytes);
  while (bytes_ > max_bytes_) Drop(by_number_.at(holders_.First().second));
}

bool RecordCache::IsNewest(std::string_view topic, const Record& record, uint64_t seq) const {
  const auto it = by_key_.find(KeyOf(topic, record));
  return it != by_key_.end() && it->second->seq == seq;
}

void RecordCache::BeginSnapshot() {
  snapshot_next_ = kept_.begin();
  snapshot_end_ = last_number_;
}

bool RecordCache::TakeForSnapshot(absl::Duration now, LaneEvent& event) {
  DropExpired(now);
  if (snapshot_next_ == kept_.end() || snapshot_next_->number > snapshot_end_) return false;
  const Kept& kept = *snapshot_next_++;
  event.set_kind(LaneEvent::KIND_PUBLISHED);
  event.set_peer(kept.record.connection());
  event.set_proof(kept.proof);
  event.set_topic(kept.topic);
  *event.mutable_record() = kept.record;
  event.mutable_record()->set_ttl_us(absl::ToInt64Microseconds(kept.expires - now));
  return true;
}

void RecordCache::DropExpired(absl::Duration now) {
  while (!kept_.empty() && kept_.front().expires <= now) Drop(kept_.begin());
}

void RecordCache::Drop(All::iterator kept) {
  if (kept == snapshot_next_) ++snapshot_next_;
  bytes_ -= kept->bytes;
  by_key_.erase(kept->key);
  by_number_.erase(kept->number);
  holders_.Remove({kept->record.source(), kept->record.connection()}, NumberOf(*kept), kept->bytes);
  kept_.erase(kept);
}

}  // namespace cairn::edge
