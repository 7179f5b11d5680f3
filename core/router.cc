#include "core/router.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/peer_id.h"

namespace cairn::core {
namespace {

// In ten seconds.
constexpr int kRefusalsLogged = 3;

}  // namespace

using signaling::v1::Command;
using signaling::v1::CoreToLane;
using signaling::v1::Event;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;

Router::Router(uint64_t core_id, const CoreLimits& limits, const Clock& clock)
    : core_id_(core_id),
      limits_(limits),
      clock_(clock),
      now_(clock.Elapsed()),
      steady_us_(absl::ToInt64Microseconds(now_)),
      wall_ahead_(clock.WallTime() - absl::UnixEpoch() - now_),
      started_us_(absl::ToUnixMicros(clock.WallTime())),
      now_us_(started_us_),
      hold_(now_),
      passed_over_(core_id),
      late_(limits.max_late_bytes),
      last_tick_(now_),
      tombstones_(limits.max_tombstones),
      refusals_logged_(clock, kRefusalsLogged) {}

Router::~Router() = default;

void Router::Handle(RouterInput& input) {
  now_ = clock_.Elapsed();
  steady_us_ = absl::ToInt64Microseconds(now_);
  now_us_ = absl::ToInt64Microseconds(now_ + wall_ahead_);
  work_ = 0;
  answers_.BeginTurn();
  routed_older_ = false;
  std::visit([this](auto& one) { On(one); }, input);
  // After such a pause the tick decides; it excuses lanes that could not be heard.
  if (hold_.holding() && now_ - last_tick_ <= kLongestTick && hold_.End(now_)) EndHold();
  RouteOlder();
  SettleKept();
  if (withholds_ && !hold_.holding() && !hold_.releasing()) GiveBackWithheld();
  const bool more_answers = answers_.Pay();
  unfinished_ = more_answers || !turns_.empty() || has_older() || settles_kept();
  SendGathered();
}

void Router::On(CoreStopping&) { stopping_ = true; }

void Router::On(Continue&) {
  turn_wanted_ = false;
  GoOn();
}

void Router::On(AdminCall& call) { call.run(*this); }

void Router::On(Tick&) {
  GoOn();
  wall_ahead_ = clock_.WallTime() - absl::UnixEpoch() - now_;
  records_.Expire(steady_us());
  const bool was_stopped = now_ - std::exchange(last_tick_, now_) > kLongestTick;
  if (was_stopped) hold_.Excuse(now_);
  if (!stopping_) GiveUpOverdue(was_stopped);
  if (mesh_) mesh_->Tick(now_);
  if (late_.keeping() && late_.over(now_) && catching_up_.empty()) GiveUpLate();
  if (!stopping_) LimitQueues();
  ticking_ = true;
  for (const auto& [id, lane] : directory_.lanes()) {
    if (!lane->channel) continue;
    lane->channel->AckNow();
    if (lane->roster_version != roster_version_) AddRoster(*lane);
    MarkDirty(*lane);
  }
}

// ---- events of a lane

bool Router::OnEventOfLink(LaneRecord& lane, LaneEvent& event) {
  std::optional<LaneRefusal> refusal = WhyRefusedNow(lane, event);
  const bool follows = FollowsLast(lane, event);
  if (!follows) refusal = LaneRefusal::kRelayNumber;
  if (refusal) {
    Refuse(*refusal, lane.edge, lane.index);
    ++counters_.events_ignored;
  } else {
    OnEvent(lane, event);
  }
  if (!follows) GiveUp(lane, LaneEnd::kBroken);
  return follows;
}

void Router::OnEvent(LaneRecord& lane, LaneEvent& event) {
  ++work_;
  if (event.seq() != 0) {
    if (event.seq() <= lane.last_seq) {
      ++counters_.events_ignored;
      return;
    }
    lane.last_seq = event.seq();
    if (IsHeld(lane)) return hold_.Add(lane.id, event);
  }
  switch (event.kind()) {
    case LaneEvent::KIND_RELAYED:
      return Relay(lane.id, &lane, event);
    case LaneEvent::KIND_PEER_OPENED:
      return OpenPeer(lane, event);
    case LaneEvent::KIND_PUBLISHED:
      return Publish(lane.id, &lane, event);
    case LaneEvent::KIND_SNAPSHOT_END:
      lane.state = LaneState::kLive;
      hold_.OnFinished(lane.id);
      if (mesh_) mesh_->OnLaneReady(lane);
      // What the mesh kept for it has gone ahead: what is held here must not pass it by.
      lane.late = late_.Contains(lane.id);
      if (lane.late) catching_up_.push_back(&lane);
      return;
    case LaneEvent::KIND_GOODBYE:
      lane.state = LaneState::kLeaving;
      return;
    default:
      return OnPeerEvent(lane, event);
  }
}

// Lanes of this process did not experience a restart: they wait only if other lanes have.
bool Router::IsHeld(const LaneRecord& lane) const {
  return hold_.holding() && (lane.channel || hold_.restarted());
}

void Router::OnPeerEvent(LaneRecord& lane, LaneEvent& event) {
  PeerRecord* peer = directory_.FindPeer(event.peer());
  if (!peer || peer->lane != &lane) {
    ++counters_.events_ignored;
    return;
  }
  switch (event.kind()) {
    case LaneEvent::KIND_SUBSCRIBED:
      return Subscribe(*peer, event);
    case LaneEvent::KIND_UNSUBSCRIBED:
      return Unsubscribe(*peer, event.topic());
    case LaneEvent::KIND_PEER_STATS:
      peer->stats.Swap(event.mutable_stats());
      peer->stats_at_us = now_us_;
      return;
    case LaneEvent::KIND_QUERIED:
      return Query(*peer, event);
    case LaneEvent::KIND_QUERY_ENDED:
      return answers_.End(*peer, event.topic());
    case LaneEvent::KIND_PEER_CLOSED:
      if (event.has_stats()) peer->stats.Swap(event.mutable_stats());
      return ClosePeer(*peer, event.close_code(), event.close_reason());
    default:
      ++counters_.events_ignored;
  }
}

void Router::Subscribe(PeerRecord& peer, const LaneEvent& event) {
  const bool added = directory_.Subscribe(peer, event.topic(), now_us_);
  TopicRecord* topic = directory_.FindTopic(event.topic());
  if (mesh_) {
    mesh_->OnSubscribed(peer, event.topic(), added, event.is_new(), event.wants_answer());
  } else if (event.wants_answer()) {
    uint64_t subscribers = 0;
    for (const Interest& interest : topic->interests) subscribers += interest.subscribers;
    AnswerSubscribed(peer, event.topic(), subscribers - 1);
  }
  if (!added) return;
  // Peers that existed before a restart must not produce Joined notices.
  if (event.is_new() && !mesh_) Announce(Notice::KIND_JOINED, peer, *topic);
  if (NewEvent(Event::KIND_SUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(event.topic());
    feed_.Publish(event_);
  }
}

void Router::Unsubscribe(PeerRecord& peer, const std::string& name) {
  if (const TopicRecord* topic = directory_.FindTopic(name); topic && peer.topics.contains(topic)) {
    Announce(Notice::KIND_LEFT, peer, *topic);
  }
  if (!directory_.Unsubscribe(peer, name)) {
    ++counters_.events_ignored;
    return;
  }
  if (mesh_) mesh_->OnUnsubscribed(peer, name);
  if (NewEvent(Event::KIND_UNSUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(name);
    feed_.Publish(event_);
  }
}

void Router::Announce(Notice::Kind kind, PeerRecord& peer, const TopicRecord& topic) {
  uint64_t told = 0;
  for (const Interest& interest : topic.interests) {
    const uint32_t itself = interest.lane == peer.lane && peer.info.wants_presence() ? 1 : 0;
    if (interest.watchers <= itself) continue;
    told += interest.watchers - itself;
    Notice* notice = For(*interest.lane).add_notices();
    notice->set_kind(kind);
    notice->set_peer(peer.id);
    notice->mutable_topic()->assign(topic.name());
  }
  if (told > 1) CountFanOut(&peer, told, topic.name().size());
}

void Router::OpenPeer(LaneRecord& lane, LaneEvent& event) {
  PeerRecord* peer = directory_.AddPeer(lane, event.peer(), std::move(*event.mutable_info()));
  if (peer && event.has_stats()) {
    peer->stats.Swap(event.mutable_stats());
    peer->stats_at_us = now_us_;
  }
  if (!peer) {
    ++counters_.events_ignored;
  } else if (NewEvent(Event::KIND_CONNECTED, lane, peer)) {
    feed_.Publish(event_);
  }
}

void Router::ClosePeer(PeerRecord& peer, uint32_t code, std::string_view reason) {
  if (NewEvent(Event::KIND_CLOSED, *peer.lane, &peer)) {
    event_.set_close_code(code);
    event_.set_close_reason(std::string(reason));
    feed_.Publish(event_);
  }
  for (const TopicRecord* topic : peer.topics) {
    Announce(Notice::KIND_LEFT, peer, *topic);
    if (mesh_) mesh_->OnUnsubscribed(peer, topic->name());
  }
  answers_.Forget(peer);
  directory_.RemovePeer(peer, now_us_, code, reason);
}

// ---- orders

void Router::Disconnect(const PeerRecord& peer, uint32_t code, std::string_view reason) {
  Command* command = For(*peer.lane).add_commands();
  command->set_kind(Command::KIND_DISCONNECT);
  command->set_peer(peer.id);
  command->set_close_code(code);
  command->set_close_reason(std::string(reason));
}

void Router::Drain(LaneRecord& lane) { For(lane).add_commands()->set_kind(Command::KIND_DRAIN); }

void Router::SetLogDirectives(LaneRecord& lane, std::string_view directives) {
  Command* command = For(lane).add_commands();
  command->set_kind(Command::KIND_LOG_LEVEL);
  command->set_log_directives(std::string(directives));
}

// ---- output

Event* Router::NewEvent(Event::Kind kind, const LaneRecord& lane, const PeerRecord* peer) {
  if (!feed_.watched()) return nullptr;
  event_.Clear();
  event_.set_kind(kind);
  event_.set_time_us(now_us_);
  event_.set_edge(lane.edge);
  if (peer) {
    event_.set_id(FormatId(peer->id));
    event_.set_remote_address(peer->info.remote_address());
  }
  return &event_;
}

void Router::SendGathered() {
  std::vector<LaneRecord*> full;
  // Giving up a lane adds messages for others.
  while (!output_.empty()) {
    output_.SendEach([&](LaneRecord& lane) {
      Send(lane);
      if (lane.channel && lane.channel->full(limits_.max_lane_queued_bytes)) full.push_back(&lane);
    });
    for (LaneRecord* lane : full) GiveUp(*lane, LaneEnd::kFull);
    full.clear();
  }
  ticking_ = false;
  if (mesh_) mesh_->Pump(now_);
}

void Router::Send(LaneRecord& lane) {
  if (lane.sink) return lane.sink->Send(lane.out);
  RelayLedger& ledger = lane.ledger;
  // A separate message would wake the edge for this alone.
  const bool tell = ticking_ || ledger.untold() >= kRelaysPerAck || !link::IsEmpty(lane.out);
  if (tell && ledger.untold() > 0) {
    // A lane that forgets a relay knows which lanes were connected when it was routed.
    if (lane.roster_version != roster_version_) AddRoster(lane);
    ledger.TakeSettled(lane.out.mutable_settled());
  }
  // A lane cannot acknowledge what comes for it before its own batch has been handled.
  const bool goes_on = routed_older_ || !lane.batches.empty();
  if (!link::IsEmpty(lane.out)) lane.channel->Append(lane.out, now_, goes_on);
  if (lane.channel->attached()) lane.channel->Pump();
}

}  // namespace cairn::core
