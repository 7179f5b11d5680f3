#include "core/mesh.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/peer_id.h"
#include "proto/link/timing.h"

namespace cairn::core {

using signaling::v1::MeshItem;
using signaling::v1::MeshMessage;

namespace {

constexpr absl::Duration kBeatInterval = absl::Milliseconds(200);
constexpr absl::Duration kLongestTick = absl::Seconds(1);
// More cores than that are no fleet.
constexpr size_t kMaxMembers = 64;
// Settled relays are told with the next tick, or when there are so many.
constexpr uint64_t kRelaysPerAck = 64;
constexpr const char* kEndNames[] = {"core_timeout", "core_full", "core_broken", "core_replaced"};

}  // namespace

std::string_view Name(MeshEnd reason) { return kEndNames[static_cast<size_t>(reason)]; }

Mesh::Mesh(uint64_t core_id, std::string name, std::string version, const CoreLimits& limits,
           MeshHost& host, MeshBus& bus, absl::Duration now)
    : core_id_(core_id),
      name_(std::move(name)),
      version_(std::move(version)),
      limits_(limits),
      host_(host),
      bus_(bus),
      started_(now),
      now_(now),
      next_beat_(now),
      last_tick_(now) {
  places_.push_back(nullptr);
}

Mesh::~Mesh() = default;

MeshMember* Mesh::Member(uint64_t id) {
  const auto it = members_.find(id);
  return it == members_.end() ? nullptr : it->second.get();
}

// ---- messages

void Mesh::OnMessage(MeshMessage& message, absl::Duration now) {
  now_ = now;
  const uint64_t from = message.from();
  if (message.protocol_version() != kProtocolVersion || from == 0 || from == core_id_ ||
      (message.to() != 0 && message.to() != core_id_))
    return;
  MeshMember* member = Member(from);
  if (!member) {
    if (members_.size() >= kMaxMembers) return;
    member = &Join(from, now);
  }
  member->heard = now;
  member->nobody = false;
  if (message.has_beat()) {
    member->name = message.beat().name();
    member->version = message.beat().version();
    member->members = {message.beat().members().begin(), message.beat().members().end()};
    member->beaten = true;
  }
  if (message.to() == 0) return;
  MeshLink::Receipt receipt = member->link->Receive(message, now);
  if (receipt == MeshLink::Receipt::kNewLink) {
    GiveUp(*member, MeshEnd::kReplaced);
    member = &Join(from, now);
    receipt = member->link->Receive(message, now);
  }
  if (receipt == MeshLink::Receipt::kBroken) return GiveUp(*member, MeshEnd::kBroken);
  if (receipt == MeshLink::Receipt::kHandle) Handle(*member, message);
}

void Mesh::OnNobody(uint64_t core_id) {
  if (MeshMember* member = Member(core_id)) member->nobody = true;
}

void Mesh::Handle(MeshMember& member, MeshMessage& message) {
  for (const MeshItem& item : message.items()) {
    switch (item.kind()) {
      case MeshItem::KIND_LANE_HERE:
        OnHere(member, item);
        break;
      case MeshItem::KIND_LANE_READY:
        OnReady(member, item);
        break;
      case MeshItem::KIND_LANE_GONE:
        OnGone(member, item);
        break;
      case MeshItem::KIND_LANE_FOUND:
        OnFound(member, item);
        break;
      case MeshItem::KIND_LANE_AWAY:
        OnAway(member, item);
        break;
      case MeshItem::KIND_SUBSCRIBED:
        OnSubscribedThere(member, item);
        break;
      case MeshItem::KIND_UNSUBSCRIBED:
        OnUnsubscribedThere(member, item);
        break;
      case MeshItem::KIND_COUNTED:
        OnCounted(member, item.barrier());
        break;
      case MeshItem::KIND_PUBLISHED:
        OnPublishedThere(member, item);
        break;
      case MeshItem::KIND_RELAY:
        OnRelay(member, item);
        break;
      case MeshItem::KIND_SETTLED:
        OnSettled(member, item);
        break;
      case MeshItem::KIND_SNAPSHOT_END:
        member.complete = true;
        GiveUpAwayAt(member.id);
        break;
      default:
        break;  // of a newer core
    }
  }
}

MeshItem& Mesh::Add(MeshMember& member, MeshItem::Kind kind) {
  MeshItem& item = *member.out.add_items();
  item.set_kind(kind);
  return item;
}

void Mesh::Pump(absl::Duration now) {
  now_ = now;
  FinishDeparted();
  if (beat_now_ && bus_.Writable()) Beat();
  for (const auto& [id, member] : members_) {
    if (member->incoming.untold() >= kRelaysPerAck) TellSettled(*member);
    SendOf(*member);
  }
}

void Mesh::SendOf(MeshMember& member) {
  if (!IsEmpty(member.out)) member.link->Append(member.out, now_);
  while (member.link->HasNext() && bus_.Writable()) {
    MeshMessage& message = member.link->Next();
    message.set_protocol_version(kProtocolVersion);
    message.set_from(core_id_);
    message.set_to(member.id);
    bus_.Send(message);
  }
}

void Mesh::TellSettled(MeshMember& member) {
  if (member.incoming.untold() == 0) return;
  member.incoming.TakeSettled(Add(member, MeshItem::KIND_SETTLED).mutable_ranges());
}

void Mesh::Beat() {
  MeshMessage message;
  message.set_protocol_version(kProtocolVersion);
  message.set_from(core_id_);
  signaling::v1::MeshBeat& beat = *message.mutable_beat();
  beat.set_name(name_);
  beat.set_version(version_);
  for (const auto& [id, member] : members_) beat.add_members(id);
  bus_.Send(message);
  beat_now_ = false;
}

// ---- members

MeshMember& Mesh::Join(uint64_t id, absl::Duration now) {
  auto owned = std::make_unique<MeshMember>();
  MeshMember& member = *owned;
  member.id = id;
  member.link = std::make_unique<MeshLink>(++last_link_, limits_, now);
  member.heard = now;
  members_[id] = std::move(owned);
  past_.erase(id);
  TellSnapshot(member);
  BeginMovingFor(member);
  beat_now_ = true;
  log::Info(log::Core(), "mesh_core_up", {{"core", FormatId(id)}});
  return member;
}

void Mesh::TellSnapshot(MeshMember& member) {
  for (const auto& [id, lane] : host_.directory().lanes()) {
    if (lanes_.contains(id)) TellLane(member, *lane);
  }
  for (const auto& [id, lane] : lanes_) {
    // It may wait for this already: it has known this core for longer than this core knows it.
    if (HasFound(id, lane)) TellFound(member, id, lane.session, false);
    if (lane.core == 0 || lane.core == core_id_ || lane.core == member.id) continue;
    TellAway(member, id, lane.session, lane.core);
  }
  TellRecords(member);
  Add(member, MeshItem::KIND_SNAPSHOT_END);
}

void Mesh::GiveUp(MeshMember& member, MeshEnd reason) {
  ++counters_.members_ended[static_cast<size_t>(reason)];
  std::vector<uint64_t> lost;
  for (auto& [id, lane] : lanes_) {
    const bool arriving = lane.arriving != kNowhere && places_[lane.arriving]->at == &member;
    if (arriving) EndPlace(lane.arriving, true);
    if (lane.core == member.id) {
      lane.core = 0;
      EndPlace(lane.believed, true);
      lost.push_back(id);
    }
  }
  for (const uint64_t id : lost) GiveUpLane(id);
  const uint64_t open = member.open_relays();
  counters_.resends += member.link->resends();
  counters_.relays_given_up[static_cast<size_t>(reason)] += member.places == 0 ? open : 0;
  log::Warn(log::Core(), "mesh_core_given_up",
            {{"core", FormatId(member.id)},
             {"name", log::Text(member.name)},
             {"reason", std::string(Name(reason))},
             {"lanes", static_cast<uint64_t>(lost.size())},
             {"relays", open}});
  // What it had to hear from this one, it will not.
  for (auto it = moving_.begin(); it != moving_.end();) {
    const auto moving = it++;
    moving->second.unaware.erase(member.id);
    moving->second.tags.erase(member.id);
    std::erase_if(moving->second.deferred,
                  [&](const auto& one) { return one.owed.origin_lane == member.id; });
    EndMoving(moving->first);
  }
  const uint64_t id = member.id;
  EndBarriers(id);
  member.link.reset();
  member.out.Clear();
  departed_.push_back(std::move(members_.at(id)));
  members_.erase(id);
  past_.insert(id);
  past_order_.push_back(id);
  if (past_order_.size() > kMaxRemembered) {
    past_.erase(past_order_.front());
    past_order_.pop_front();
  }
}

void Mesh::SettleAll(MeshMember& member) {
  for (MeshMember::Open& one : member.open) {
    if (one.cost > 0) host_.Settle(one.owed);
  }
  member.open.clear();
  member.open_cost = 0;
}

void Mesh::FinishDeparted() {
  for (size_t i = 0; i < departed_.size();) {
    if (departed_[i]->places > 0) {
      ++i;
      continue;
    }
    SettleAll(*departed_[i]);
    if (strays_ == departed_[i].get()) strays_ = nullptr;
    departed_.erase(departed_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Mesh::Tick(absl::Duration now) {
  now_ = now;
  const bool was_stopped = now - std::exchange(last_tick_, now) > kLongestTick;
  std::vector<std::pair<MeshMember*, MeshEnd>> ended;
  for (const auto& [id, member] : members_) {
    if (was_stopped) {
      member->heard = now;
      member->link->Excuse(now);
    }
    TellSettled(*member);
    member->link->Tick(now);
    const bool owes =
        !member->link->idle() && now - member->link->progress() > limits_.lane_timeout;
    if (owes || now - member->heard > limits_.lane_timeout) {
      ended.emplace_back(member.get(), MeshEnd::kTimeout);
    } else if (member->link->full(limits_.max_lane_queued_bytes) ||
               member->open_cost > limits_.max_lane_queued_bytes) {
      ended.emplace_back(member.get(), MeshEnd::kFull);
    }
  }
  for (const auto& [member, reason] : ended) GiveUp(*member, reason);
  GiveUpStrays();
  EndBarriers(0);
  SweepPlaces();
  if (!ready_) UpdateReady(now);
  if (now >= next_beat_) {
    next_beat_ = now + kBeatInterval;
    beat_now_ = true;
  }
}

void Mesh::UpdateReady(absl::Duration now) {
  if (now - started_ < absl::FromChrono(link::kStartHold)) return;
  const auto knows_all = [this, now](const MeshMember& member) {
    if (member.absent(now)) return true;
    return member.beaten && member.complete &&
           std::all_of(member.members.begin(), member.members.end(), [this](uint64_t id) {
             const MeshMember* other = Member(id);
             return id == core_id_ || (other && other->complete);
           });
  };
  ready_ = now - started_ >= absl::FromChrono(link::kReturnPatience) ||
           std::all_of(members_.begin(), members_.end(),
                       [&](const auto& entry) { return knows_all(*entry.second); });
}

bool Mesh::IsForeign(uint64_t lane_id, uint64_t core_id) const {
  return core_id != 0 && core_id != core_id_ && !members_.contains(core_id) &&
         !past_.contains(core_id) && !lanes_.contains(lane_id);
}

bool Mesh::Idle() const {
  if (!departed_.empty() || !moving_.empty() || !barriers_.empty() || !over_.empty()) return false;
  return std::all_of(members_.begin(), members_.end(), [](const auto& entry) {
    const MeshMember& member = *entry.second;
    return member.link->idle() && member.open.empty() && !member.incoming.open() &&
           member.incoming.untold() == 0 && member.link->known();
  });
}

std::string Mesh::DebugString() const {
  std::string text;
  for (const auto& [id, moving] : moving_) {
    const auto lane = lanes_.find(id);
    absl::StrAppend(
        &text, "lane ", id % 1000, " of ", moving.session,
        lane == lanes_.end()
            ? " unknown"
            : absl::StrCat(" now ", lane->second.session, " at ", lane->second.core % 1000,
                           lane->second.believed == kNowhere ? "" : " believed",
                           lane->second.arriving == kNowhere ? "" : " arriving"),
        " unaware");
    for (const uint64_t core : moving.unaware) absl::StrAppend(&text, " ", core % 1000);
    absl::StrAppend(&text, " deferred ", moving.deferred.size(), "; ");
  }
  for (const auto& [id, lane] : lanes_) {
    if (lane.believed == kNowhere || places_[lane.believed]->at->link) continue;
    absl::StrAppend(&text, "lane ", id % 1000, " of ", lane.session, " at ", lane.core % 1000,
                    lane.arriving == kNowhere ? "" : " arriving", " is kept for; ");
  }
  absl::StrAppend(&text, "departed ", departed_.size(), ", moving ", moving_.size(), ", barriers ",
                  barriers_.size(), ", over ", over_.size());
  for (const auto& [id, member] : members_) {
    absl::StrAppend(&text, "; core ", id % 1000, member->link->idle() ? "" : " unacknowledged",
                    " open ", member->open.size(), member->incoming.open() ? " incoming" : "",
                    member->link->known() ? "" : " unknown");
  }
  return text;
}

}  // namespace cairn::core
