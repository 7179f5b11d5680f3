// Lane: which clients get a relay, and in which turn.
//
// A new relay is handed to clients at once, unless an earlier one of the same sender waits or the
// work of the turn is used up. Waiting relays are handed on in later turns, round-robin by sender.
// An iteration over the members of a large topic may span turns; relays for the topic that have
// gathered by then are included, so that each member is written once.
#include <algorithm>
#include <string>
#include <utility>

#include "base/peer_id.h"
#include "edge/lane.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/v2_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

using signaling::v1::Delivery;
using signaling::v1::Notice;

namespace {

// The relays of one sender in one iteration: their number, and their number times members.
constexpr size_t kMaxAlong = 64;
constexpr size_t kMaxAlongDeliveries = 65'536;
constexpr size_t kMaxAlongBytes = 256 << 10;

}  // namespace

void Lane::OnDelivery(Delivery& delivery) {
  const uint64_t sender = delivery.from();
  const bool behind = !waiting_.empty() && waiting_.HasOf(sender);
  const bool behind_begun = begun_.topic && begun_.relays.front().delivery().from() == sender;
  Topic* topic = delivery.to() == 0 ? FindTopic(delivery.topic()) : nullptr;
  if (delivery.to() == 0 && !topic) return;
  const uint64_t left = kFreshPerTurn - std::min(kFreshPerTurn, fresh_work_);
  // Only one iteration can be in progress.
  const bool too_much = begun_.topic && topic && topic->members.size() > left;
  if (behind || behind_begun || left == 0 || too_much) {
    waiting_.Add(sender, std::move(delivery));
    while (waiting_.cost() > WaitingRelays::kMaxCost) DeliverNext(UINT64_MAX);
    return;
  }
  const uint64_t before = work_;
  fresh_.relays.resize(1);
  fresh_.relays[0].borrowed = &delivery;
  Begin(topic, fresh_, begun_.topic ? UINT64_MAX : work_ + left);
  fresh_work_ += work_ - before;
}

void Lane::OnPresence(Notice& notice) {
  const uint64_t peer = notice.peer();
  const bool behind = (!waiting_.empty() && waiting_.HasOf(peer)) ||
                      (begun_.topic && begun_.relays.front().delivery().from() == peer);
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
  Delivery& first = walk.relays.emplace_back().own;
  first = std::move(std::get<Delivery>(item));
  Topic* topic = nullptr;
  if (first.to() == 0) {
    topic = FindTopic(first.topic());
    if (!topic) return;
    TakeAlong(*topic, walk.relays);
  }
  Begin(topic, walk, until);
}

// The sender's other relays to the topic.
void Lane::TakeAlong(const Topic& topic, std::vector<FanOut>& relays) {
  const uint64_t sender = relays.front().delivery().from();
  const size_t most = std::clamp<size_t>(kMaxAlongDeliveries / topic.members.size(), 1, kMaxAlong);
  size_t bytes = relays.front().delivery().payload().size();
  while (relays.size() < most && bytes < kMaxAlongBytes) {
    std::optional<Delivery> also = waiting_.TakeAlso(sender, topic.name());
    if (!also) return;
    bytes += also->payload().size();
    relays.emplace_back().own = *std::move(also);
  }
}

// `topic` is null for a relay to one peer. REQUIRES: it finishes before `until`, or no iteration is
// in progress.
void Lane::Begin(Topic* topic, Walk& walk, uint64_t until) {
  for (FanOut& relay : walk.relays) {
    relay.native_frame.Clear();
    relay.v2_frame.clear();
  }
  if (!topic) {
    FanOut& relay = walk.relays.front();
    const auto it = members_.find(relay.delivery().to());
    if (it == members_.end()) return;
    DeliverTo(it->second.get(), relay);
    return CountLatency(relay, 1);
  }
  walk.topic = topic;
  walk.next = 0;
  GoOn(walk, until);
  if (!walk.topic) return;
  for (FanOut& relay : walk.relays) relay.Keep();
  std::swap(walk, begun_);
}

void Lane::GoOn(Walk& walk, uint64_t until) {
  const auto& members = walk.topic->members;
  const uint64_t sender = walk.relays.front().delivery().from();
  uint64_t copies = 0;
  for (; walk.next < members.size() && work_ < until; ++walk.next) {
    Member* member = members[walk.next];
    if (member->peer == sender) continue;
    for (FanOut& relay : walk.relays) DeliverTo(member, relay);
    ++copies;
  }
  for (const FanOut& relay : walk.relays) CountLatency(relay, copies);
  if (walk.next >= members.size()) walk.topic = nullptr;
}

void Lane::DeliverTo(Member* member, FanOut& relay) {
  const std::string_view frame = FrameFor(*member, relay);
  member->client->Deliver(frame);
  ++member->counts.messages_out;
  member->counts.bytes_out += frame.size();
  Changed(member);
  counters_.frames_delivered.Add();
  counters_.CountOut(member->form(), frame.size());
  work_ += DeliveryWork(frame.size());
}

std::string_view Lane::FrameFor(const Member& member, FanOut& relay) {
  const Delivery& delivery = relay.delivery();
  if (member.v2()) {
    if (!relay.v2_frame.empty()) return relay.v2_frame;
    std::string message;
    wire::AppendRelayFrom(delivery.topic(), delivery.payload(), FormatId(delivery.from()), message);
    wire::AppendWsFrame(wire::WsOpcode::kBinary, message, relay.v2_frame);
    return relay.v2_frame;
  }
  FrameBuffer& frame = relay.native_frame;
  if (!frame.empty()) return frame.bytes();
  const size_t bytes = wire::RelaySize(delivery.topic(), delivery.payload());
  char* const begin = frame.Begin(wire::WsHeaderSize(bytes) + bytes);
  wire::WriteRelay(delivery.topic(), delivery.payload(),
                   wire::WriteWsHeader(wire::WsOpcode::kBinary, bytes, begin));
  return frame.bytes();
}

void Lane::CountLatency(const FanOut& relay, uint64_t copies) {
  const int64_t read_us = relay.delivery().read_us();
  if (read_us == 0 || copies == 0) return;
  // Between machines this is only as accurate as their clocks; a clock that is behind must not make
  // it negative.
  counters_.relay_latency.Add(std::max<int64_t>(0, deliver_us_ - read_us), copies);
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
