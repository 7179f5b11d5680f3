#include "core/mesh.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "core/lanes.h"

namespace cairn::core {

using signaling::v1::MeshItem;
using signaling::v1::MeshMessage;

namespace {

constexpr absl::Duration kBeatInterval = absl::Milliseconds(200);
// A core that owes more than its bound for so long is given up: what it owes for a lane that was
// given up is settled by then.
constexpr absl::Duration kFullFor = absl::Seconds(1);
constexpr absl::Duration kLongestTick = absl::Seconds(1);
// More cores than that are no fleet.
constexpr size_t kMaxMembers = 64;
// Settled relays are sent at the next tick, or when there are so many.
constexpr uint64_t kRelaysPerAck = 64;

}  // namespace

Mesh::Mesh(uint64_t core_id, std::string name, std::string version, const CoreLimits& limits,
           const MeshHost& host, MeshBus& bus, absl::Duration now)
    : core_id_(core_id),
      name_(std::move(name)),
      version_(std::move(version)),
      limits_(limits),
      host_(host),
      bus_(bus),
      reached_(bus.Writable() ? now : absl::InfiniteDuration()),
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
  Receive(message, now);
  bus_.OnHandled(std::move(message));
}

void Mesh::Receive(MeshMessage& message, absl::Duration now) {
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
    member->draining = message.beat().draining();
    member->members = {message.beat().members().begin(), message.beat().members().end()};
    member->beaten = true;
    past_.OnBack(member->name);
  }
  if (message.to() == 0) return;
  MeshLink::Receipt receipt = member->link->Receive(message, now);
  if (receipt == MeshLink::Receipt::kNewLink) {
    GiveUp(*member, MeshEnd::kReplaced);
    member = &Join(from, now);
    receipt = member->link->Receive(message, now);
  }
  if (receipt == MeshLink::Receipt::kBroken) return GiveUp(*member, MeshEnd::kBroken);
  if (receipt == MeshLink::Receipt::kHandle) HandleAll(*member, message);
}

bool Mesh::OthersTakeLanes() const {
  return std::any_of(members_.begin(), members_.end(), [this](const auto& entry) {
    const MeshMember& member = *entry.second;
    return member.complete && !member.draining && !member.absent(now_);
  });
}

void Mesh::OnNobody(uint64_t core_id) {
  if (MeshMember* member = Member(core_id)) member->nobody = true;
}

void Mesh::HandleAll(MeshMember& member, const MeshMessage& message) {
  link::RelayItem relay;
  for (const std::string& bytes : message.items()) {
    if (relay.Read(bytes)) {
      OnRelay(member, relay);
    } else if (item_.ParseFromString(bytes)) {
      Handle(member, item_);
    } else {
      return GiveUp(member, MeshEnd::kBroken);
    }
  }
}

void Mesh::Handle(MeshMember& member, const MeshItem& item) {
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
      OnRelay(member, link::RelayItem::Of(item));
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

MeshItem& Mesh::Add(MeshMember& member, MeshItem::Kind kind) { return member.outbox.Add(kind); }

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
  if (!member.outbox.empty()) member.link->Append(member.outbox.All(), now_);
  while (member.link->HasNext() && bus_.Writable()) {
    link::MeshOut& message = member.link->Next();
    message.head().set_protocol_version(kProtocolVersion);
    message.head().set_from(core_id_);
    message.head().set_to(member.id);
    bus_.Send(message.head(), message.items());
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
  beat.set_draining(host_.lanes.draining());
  bus_.Send(message, {});
  reached_ = std::min(reached_, now_);
  beat_now_ = false;
}

void Mesh::Tick(absl::Duration now) {
  now_ = now;
  const bool was_stopped = now - std::exchange(last_tick_, now) > kLongestTick;
  std::vector<std::pair<MeshMember*, MeshEnd>> ended;
  MeshMember* largest = nullptr;
  size_t open_cost = 0;
  for (const auto& [id, member] : members_) {
    if (was_stopped) {
      member->heard = now;
      member->link->Excuse(now);
    }
    member->PartOld();
    TellSettled(*member);
    member->link->Tick(now);
    const bool owes =
        !member->link->idle() && now - member->link->progress() > limits_.lane_timeout;
    if (owes || now - member->heard > limits_.lane_timeout) {
      ended.emplace_back(member.get(), MeshEnd::kTimeout);
    } else if (IsFull(*member)) {
      if (!member->full_since) member->full_since = now;
      // Nothing that a lane on its way from there has not acknowledged is settled.
      GiveUpMovingFrom(*member);
      if (now - *member->full_since >= kFullFor) ended.emplace_back(member.get(), MeshEnd::kFull);
    } else {
      member->full_since.reset();
      open_cost += member->open_cost;
      if (!largest || member->open_cost > largest->open_cost) largest = member.get();
    }
  }
  if (open_cost > limits_.max_open_bytes_of_cores) ended.emplace_back(largest, MeshEnd::kFull);
  for (const auto& [member, reason] : ended) GiveUp(*member, reason);
  past_.Tick(now);
  for (const auto& member : departed_) {
    member->PartOld();
    if (member.get() != strays_ && IsFull(*member)) GiveUpMovingFrom(*member);
  }
  GiveUpStrays();
  EndBarriers(0);
  SweepPlaces();
  if (!ready_) UpdateReady(now);
  if (now >= next_beat_) {
    next_beat_ = now + kBeatInterval;
    beat_now_ = true;
  }
}

// A core settles a relay only when each of its lanes has it. While each of them stays within its
// own bound, the core must not be given up for the sum: one edge that hangs would take all others
// along.
bool Mesh::IsFull(const MeshMember& member) const {
  const size_t of_lane = std::max(limits_.max_lane_queued_bytes, 4 * member.largest_open);
  return (member.link && member.link->full(limits_.max_lane_queued_bytes)) ||
         member.open_cost > of_lane * std::max<size_t>(member.places, 1);
}

bool Mesh::Idle() const {
  if (!departed_.empty() || !moving_.empty() || barriers_.size() > 0 || !over_.empty())
    return false;
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
