// Router: what lanes are told about each other, and what a later core learns from it.
#include "core/router.h"

namespace cairn::core {

void Router::AddRoster(LaneRecord& lane) {
  signaling::v1::Roster* roster = For(lane).mutable_roster();
  roster->Clear();
  lane.roster_version = roster_version_;
  const auto add = [roster](uint64_t id, uint64_t link) {
    roster->add_lanes(id);
    roster->add_links(link);
  };
  for (const auto& [id, other] : directory_.lanes()) {
    if (other->channel) add(id, other->unaware ? kUnawareLink : other->channel->number());
  }
  for (const auto& [id, awaited] : hold_.awaited()) {
    if (!directory_.FindLane(id)) add(id, 0);
  }
  for (const uint64_t id : late_.lanes()) {
    if (!directory_.FindLane(id)) add(id, 0);
  }
  if (mesh_) mesh_->AddElsewhere(*roster);
  roster->set_complete(!hold_.holding() && !late_.keeping());
  // Until then the core may still have to tell lanes what they missed with earlier cores.
  if (hold_.holding()) return;
  roster->mutable_stamp()->set_core_id(core_id_);
  roster->mutable_stamp()->set_version(roster_version_);
  *roster->mutable_stamp()->mutable_earlier_cores() = passed_over_.earlier();
}

void Router::TellPassedOver() {
  for (const uint64_t id : passed_over_.Take()) TellMissed(id);
}

}  // namespace cairn::core
