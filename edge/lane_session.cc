// Lane: sessions with a core: what it sends, in which order, and what it resends.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "edge/lane.h"
#include "proto/link/items.h"
#include "proto/link/timing.h"
#include "proto/wire/v2_writer.h"

namespace cairn::edge {
namespace {

// The cost of one message of the snapshot: a core waits while such messages arrive
// (link::kReturnPatience), also over a slow link.
constexpr size_t kSnapshotPiece = 64 << 10;

}  // namespace

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

// ---- sessions begin

void Lane::OnSession(CoreSession session) {
  outbox_.Restart(RelaysOf(session), records_);
  for (const LaneToCore& message : session.unaccepted) {
    for (const LaneEvent& event : message.events()) {
      if (event.kind() == LaneEvent::KIND_SUBSCRIBED && event.is_new()) RestoreNew(event);
    }
  }
  in_session_ = true;
  snapshot_told_ = goodbye_told_ = false;
  untold_.clear();
  untold_.reserve(members_.size());
  // A core that has given the lane up has told other lanes that its peers left.
  const bool peers_left = session.kind == CoreSession::Kind::kGivenUp;
  for (const auto& [peer, member] : members_) {
    member->told = false;
    untold_.push_back(peer);
    if (!peers_left) continue;
    for (auto& [topic, subscription] : member->topics) subscription.is_new = true;
  }
  records_.BeginSnapshot();
  if (peers_left || session.kind == CoreSession::Kind::kLate) SayMissed();
  OnRoom();
}

std::vector<LaneEvent> Lane::RelaysOf(CoreSession& session) {
  std::vector<LaneEvent> relays;
  // State about relays that have arrived everywhere is dropped after a while.
  const bool is_unsure = session.outage > absl::FromChrono(link::kUnsureRelaysKept);
  const auto take = [&](LaneEvent& event) {
    if (event.seq() == 0) return;
    is_unsure ? counters_.Count(DropReason::kRelayUnsure) : relays.push_back(std::move(event));
  };
  for (LaneEvent& event : open_.TakeAll()) take(event);
  for (LaneToCore& message : session.unaccepted) {
    for (LaneEvent& event : *message.mutable_events()) take(event);
  }
  return relays;
}

// The core that was told of it ended before it could tell others.
void Lane::RestoreNew(const LaneEvent& subscribed) {
  const auto member = members_.find(subscribed.peer());
  Topic* topic = FindTopic(subscribed.topic());
  if (member == members_.end() || !topic) return;
  const auto subscription = member->second->topics.find(topic);
  if (subscription != member->second->topics.end()) subscription->second.is_new = true;
}

void Lane::SayMissed() {
  for (const auto& [peer, member] : members_) {
    if (!member->v2()) continue;
    for (const auto& [topic, subscription] : member->topics) {
      std::string message;
      wire::AppendMissed(topic->name(), message);
      Say(*member, message);
    }
  }
}

// ---- messages to the core

void Lane::Pump() {
  if (!in_session_) return;
  while (outbox_.has_room()) {
    if (!untold_.empty()) {
      const auto member = members_.find(untold_.back());
      untold_.pop_back();
      if (member != members_.end()) TellMember(member->second.get());
    } else if (!snapshot_told_) {
      LaneEvent record;
      if (records_.TakeForSnapshot(clock_.Elapsed(), record)) {
        TellNow(LaneEvent::KIND_PUBLISHED, 0, [&](LaneEvent& event) { event.Swap(&record); });
      } else {
        TellNow(LaneEvent::KIND_SNAPSHOT_END, 0,
                [this](LaneEvent& event) { event.set_next_seq(next_seq_); });
        snapshot_told_ = true;
      }
    } else if (!outbox_.empty()) {
      outbox_.first_is_change() ? Resolve(outbox_.TakeChange()) : outbox_.MoveFirst();
    } else {
      if (goodbye_ && !std::exchange(goodbye_told_, true))
        TellNow(LaneEvent::KIND_GOODBYE, 0, [](LaneEvent&) {});
      return;
    }
  }
}

void Lane::TellMember(Member* member) {
  member->told = true;
  TellNow(LaneEvent::KIND_PEER_OPENED, member->peer, [&](LaneEvent& event) {
    event.set_proof(member->facts.proof);
    FillFacts(*member, event.mutable_info());
    if (member->counts.messages_in > 0) FillStats(*member, event.mutable_stats());
  });
  for (auto& [topic, subscription] : member->topics)
    TellSubscribed(*member, topic->name(), subscription);
  for (const WaitingQuery& query : member->queries) {
    TellNow(LaneEvent::KIND_QUERIED, member->peer,
            [&](LaneEvent& event) { FillQuery(*member, query.topic, event); });
  }
}

void Lane::TellSubscribed(const Member& member, std::string_view topic,
                          Subscription& subscription) {
  TellNow(LaneEvent::KIND_SUBSCRIBED, member.peer, [&](LaneEvent& event) {
    event.mutable_topic()->assign(topic);
    event.set_wants_answer(member.v2() && (!subscription.answered || subscription.asked));
    event.set_is_new(subscription.is_new);
  });
  subscription.is_new = false;
}

void Lane::TellChange(Member* member, std::string_view topic, bool was) {
  // A member that the core has yet to be told of is sent with its current state.
  if (!member->told) return;
  if (!Flows()) return outbox_.AddChange(member->peer, topic, was);
  Reconcile(*member, topic, was);
}

void Lane::Resolve(const Outbox::Change& change) {
  const auto member = members_.find(change.peer);
  // The core is told of a member that has left.
  if (member != members_.end()) Reconcile(*member->second, change.topic, change.told);
}

void Lane::Reconcile(Member& member, std::string_view name, bool told) {
  Topic* topic = FindTopic(name);
  const auto subscription = topic ? member.topics.find(topic) : member.topics.end();
  if (subscription != member.topics.end()) {
    const bool wants_answer =
        member.v2() && (!subscription->second.answered || subscription->second.asked);
    if (!told || wants_answer) TellSubscribed(member, name, subscription->second);
    subscription->second.is_new = false;
  } else if (told) {
    TellNow(LaneEvent::KIND_UNSUBSCRIBED, member.peer,
            [&](LaneEvent& event) { event.mutable_topic()->assign(name); });
  }
}

void Lane::OnRoom() {
  const size_t room = link_->Room();
  outbox_.SetRoom(snapshot_told_ ? room : std::min(room, kSnapshotPiece));
}

void Lane::Flush() {
  SubmitBatch();
  link_->Flush();
}

void Lane::SubmitBatch() {
  while (true) {
    const bool in_snapshot = !snapshot_told_;
    Pump();
    if (link::IsEmpty(outbox_.batch())) break;
    in_snapshot ? link_->SubmitApart(outbox_.batch()) : link_->Submit(outbox_.batch());
    CAIRN_CHECK(outbox_.batch().events_size() == 0);
    OnRoom();
  }
  UpdateCongestion();
}

void Lane::OnAccepted(LaneToCore& message) {
  for (LaneEvent& event : *message.mutable_events()) {
    if (event.seq() != 0) open_.Keep(event);
  }
}

// Half of it, so that reading does not stop and continue with every acknowledgement.
void Lane::UpdateCongestion() {
  const size_t untaken = outbox_.waiting_cost() + link_->cost();
  const size_t factor = congested_ ? 2 : 1;
  congested_ = untaken > limits_.max_backlog_bytes / factor ||
               open_.cost() > limits_.max_open_bytes / factor;
  backlog_bytes_.store(untaken + open_.cost(), std::memory_order_relaxed);
}

void Lane::Tick() {
  seen_.Prune(clock_.Elapsed());
  UpdateCongestion();
}

void Lane::SayGoodbye() { goodbye_ = true; }

bool Lane::finished() const {
  return outbox_.empty() && open_.empty() && link_->cost() == 0 && (goodbye_told_ || !in_session_);
}

}  // namespace cairn::edge
