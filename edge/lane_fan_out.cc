// Lane: which clients get a relay, and in which turn.
//
// New relays are handed to clients at once, those of one sender to one topic that follow each other
// together, unless an earlier one of the same sender waits or the work of the turn is used up.
// Waiting relays are handed on in later turns, round-robin by sender. An iteration over the members
// of a large topic may span turns; relays for the topic that have gathered by then are included, so
// that each member is written once.
#include <algorithm>
#include <string>
#include <utility>

#include "base/peer_id.h"
#include "edge/lane.h"
#include "proto/wire/v2_writer.h"

namespace cairn::edge {

using signaling::v1::Delivery;
using signaling::v1::Notice;

void Lane::BeginRun(Delivery& delivery) {
  fresh_.topic = delivery.to() == 0 ? FindTopic(delivery.topic()) : nullptr;
  if (delivery.to() == 0 && !fresh_.topic) return;
  fresh_.run.Borrow(delivery);
}

void Lane::EndRun() {
  if (fresh_.run.empty()) return;
  const uint64_t sender = fresh_.run.sender();
  const size_t relays = fresh_.run.relays().size();
  const bool behind = !waiting_.empty() && waiting_.HasOf(sender);
  const bool behind_begun = begun_.topic && begun_.run.sender() == sender;
  const uint64_t left = kFreshPerTurn - std::min(kFreshPerTurn, fresh_work_);
  // Only one iteration can be in progress.
  const bool too_much =
      begun_.topic && fresh_.topic && relays * fresh_.topic->members.size() > left;
  if (behind || behind_begun || left == 0 || too_much) {
    for (Delivery* relay : fresh_.run.relays()) waiting_.Add(sender, std::move(*relay));
    while (waiting_.cost() > WaitingRelays::kMaxCost) DeliverNext(UINT64_MAX);
  } else {
    const uint64_t before = work_;
    Begin(fresh_, begun_.topic ? UINT64_MAX : work_ + left);
    fresh_work_ += work_ - before;
  }
  fresh_.run.Clear();
}

void Lane::OnPresence(Notice& notice) {
  const uint64_t peer = notice.peer();
  const bool behind =
      (!waiting_.empty() && waiting_.HasOf(peer)) || (begun_.topic && begun_.run.sender() == peer);
  if (!behind && fresh_work_ < kFreshPerTurn) {
    const uint64_t before = work_;
    Announce(notice);
    fresh_work_ += work_ - before;
    return;
  }
  waiting_.Add(peer, std::move(notice));
  while (waiting_.cost() > WaitingRelays::kMaxCost) DeliverNext(UINT64_MAX);
}

void Lane::DeliverWaiting() {
  if (!has_waiting()) return;
  deliver_us_ = absl::ToUnixMicros(clock_.WallTime());
  const uint64_t until = work_ + kWaitingPerTurn;
  while (has_waiting() && work_ < until) DeliverNext(until);
}

void Lane::DeliverNext(uint64_t until) {
  if (begun_.topic) return GoOn(begun_, until);
  WaitingRelays::Item item = waiting_.Take();
  if (const auto* notice = std::get_if<Notice>(&item)) return Announce(*notice);
  Walk walk;
  auto& first = std::get<Delivery>(item);
  if (first.to() == 0) {
    walk.topic = FindTopic(first.topic());
    if (!walk.topic) return;
  }
  walk.run.Add(std::move(first));
  if (walk.topic) TakeAlong(*walk.topic, walk.run);
  Begin(walk, until);
}

// The sender's other relays to the topic.
void Lane::TakeAlong(const Topic& topic, RelayRun& run) {
  while (run.HasRoom(topic.members.size())) {
    std::optional<Delivery> also = waiting_.TakeAlso(run.sender(), topic.name());
    if (!also) return;
    run.Add(*std::move(also));
  }
}

// REQUIRES: it finishes before `until`, or no iteration is in progress.
void Lane::Begin(Walk& walk, uint64_t until) {
  if (!walk.topic) {
    const auto it = members_.find(walk.run.first().to());
    if (it == members_.end()) return;
    DeliverTo(it->second.get(), walk.run);
    return CountLatency(walk.run, 1);
  }
  walk.next = 0;
  GoOn(walk, until);
  if (!walk.topic) return;
  walk.run.Keep();
  std::swap(walk, begun_);
}

void Lane::GoOn(Walk& walk, uint64_t until) {
  const auto& members = walk.topic->members;
  const uint64_t sender = walk.run.sender();
  uint64_t copies = 0;
  for (; walk.next < members.size() && work_ < until; ++walk.next) {
    Member* member = members[walk.next];
    if (member->peer == sender) continue;
    DeliverTo(member, walk.run);
    ++copies;
  }
  CountLatency(walk.run, copies);
  if (walk.next >= members.size()) walk.topic = nullptr;
}

void Lane::DeliverTo(Member* member, RelayRun& run) {
  const std::string_view frames = member->v2() ? run.V2Frames() : run.NativeFrames();
  const size_t relays = run.relays().size();
  member->client->Deliver(frames);
  member->counts.messages_out += relays;
  member->counts.bytes_out += frames.size();
  Changed(member);
  counters_.frames_delivered.Add(relays);
  counters_.CountOut(member->form(), frames.size(), relays);
  work_ += relays - 1 + DeliveryWork(frames.size());
}

void Lane::CountLatency(const RelayRun& run, uint64_t copies) {
  if (copies == 0) return;
  const auto relays = run.relays();
  for (size_t begin = 0, end = 0; begin < relays.size(); begin = end) {
    const int64_t read_us = relays[begin]->read_us();
    while (end < relays.size() && relays[end]->read_us() == read_us) ++end;
    if (read_us == 0) continue;
    // Between machines this is only as accurate as their clocks; a clock that is behind must not
    // make it negative.
    counters_.relay_latency.Add(std::max<int64_t>(0, deliver_us_ - read_us),
                                (end - begin) * copies);
  }
}

void Lane::Announce(const Notice& notice) {
  Topic* topic = FindTopic(notice.topic());
  if (!topic) return;
  std::string message;
  if (notice.kind() == Notice::KIND_JOINED) {
    wire::AppendJoined(notice.topic(), FormatId(notice.peer()), message);
  } else {
    wire::AppendLeft(notice.topic(), FormatId(notice.peer()), message);
  }
  for (Member* member : topic->members) {
    ++work_;
    if (!member->v2() || member->peer == notice.peer()) continue;
    if (notice.to() != 0 && notice.to() != member->peer) continue;
    // Subscribers that came before the client was told are among the `others` that it will be told
    // of.
    if (member->topics.at(topic).answered) Say(*member, message);
  }
}

}  // namespace cairn::edge
