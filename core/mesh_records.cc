// Mesh: records, which every core of the fleet has.
#include <algorithm>
#include <utility>

#include "core/mesh.h"
#include "core/published_records.h"
#include "core/turn.h"

namespace cairn::core {

using signaling::v1::MeshItem;

void Mesh::OnPublished(uint64_t lane_id, const std::string& topic,
                       const signaling::v1::Record& record, RecordStore::Said said) {
  if (members_.empty()) return;
  const std::string bytes = record.SerializeAsString();
  Broadcast(MeshItem::KIND_PUBLISHED, [&](MeshItem& item) {
    item.set_lane(lane_id);
    item.set_topic(topic);
    item.set_record(bytes);
    item.set_is_new(said == RecordStore::Said::kNow);
  });
}

// Not those of lanes at other cores, which send them.
void Mesh::TellRecords(MeshMember& member) {
  host_.records.store().ForEach([&](const std::string& topic, const RecordStore::Entry& entry) {
    const auto lane = lanes_.find(entry.lane);
    if (lane != lanes_.end() && lane->second.core != 0 && lane->second.core != core_id_) return;
    signaling::v1::Record record = entry.record;
    record.set_ttl_us(entry.expires_us - host_.turn.steady_us);
    MeshItem& item = Add(member, MeshItem::KIND_PUBLISHED);
    item.set_lane(entry.lane);
    item.set_topic(topic);
    item.set_record(record.SerializeAsString());
  });
}

// Records that a lane published before it moved are sent by its new core, and may be newer. Of a
// lane that has left, cores may have kept different records.
void Mesh::OnPublishedThere(MeshMember& from, const MeshItem& item) {
  const auto lane = lanes_.find(item.lane());
  const uint64_t core = lane == lanes_.end() ? 0 : lane->second.core;
  if (core != from.id && (core != 0 || item.is_new())) return;
  signaling::v1::Record record;
  if (!record.ParseFromString(item.record())) return;
  host_.records.Add(item.topic(), std::move(record),
                    item.is_new() ? RecordStore::Said::kNow : RecordStore::Said::kBefore,
                    core == 0 ? 0 : item.lane());
}

}  // namespace cairn::core
