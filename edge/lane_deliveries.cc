// Lane: what comes from the core, and which clients get it.
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <string>

#include "base/peer_id.h"
#include "edge/lane.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/v2_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::Notice;

void Lane::OnCoreMessage(CoreToLane& message) {
  const int64_t now_us = message.deliveries_size() > 0 ? absl::ToUnixMicros(clock_.WallTime()) : 0;
  for (const Delivery& delivery : message.deliveries()) {
    if (seen_.Take(delivery.origin_lane(), delivery.origin_seq())) {
      FanOut(delivery, now_us);
    } else {
      counters_.Count(DropReason::kDuplicate);
    }
  }
  for (int i = 0; i + 1 < message.settled_size(); i += 2)
    open_.Settle(message.settled(i), message.settled(i + 1));
  if (message.has_roster()) OnRoster(message.roster());
  for (const Notice& notice : message.notices()) OnNotice(notice);
  for (const signaling::v1::Answer& answer : message.answers()) OnAnswer(answer);
  for (const signaling::v1::Command& command : message.commands()) CarryOut(command);
}

void Lane::OnRoster(const signaling::v1::Roster& roster) {
  if (roster.has_stamp()) roster_told_ = roster.stamp();
  if (roster.complete()) {
    roster_ = roster;
    seen_.OnRoster(roster, clock_.Elapsed());
    return;
  }
  // Of a core that is itself still waiting for lanes. The complete roster stays as it was told: a
  // lane that is not in it was passed over by that core.
  absl::flat_hash_set<uint64_t> known(roster_.lanes().begin(), roster_.lanes().end());
  known.insert(roster_.awaited().begin(), roster_.awaited().end());
  for (const uint64_t lane : roster.lanes()) {
    if (known.insert(lane).second) roster_.add_awaited(lane);
  }
}

void Lane::CarryOut(const signaling::v1::Command& command) {
  switch (command.kind()) {
    case signaling::v1::Command::KIND_DISCONNECT:
      if (const auto it = members_.find(command.peer()); it != members_.end()) {
        it->second->client->Disconnect(static_cast<uint16_t>(command.close_code()),
                                       command.close_reason());
      }
      return;
    case signaling::v1::Command::KIND_DRAIN:
      if (orders_.drain) orders_.drain();
      return;
    case signaling::v1::Command::KIND_LOG_LEVEL:
      if (orders_.set_log_directives) orders_.set_log_directives(command.log_directives());
      return;
    default:
      return;  // of a newer core
  }
}

void Lane::FanOut(const Delivery& delivery, int64_t now_us) {
  native_frame_.clear();
  v2_frame_.clear();
  const uint64_t before = counters_.frames_delivered.Get();
  if (delivery.to() != 0) {
    if (const auto it = members_.find(delivery.to()); it != members_.end())
      DeliverTo(it->second.get(), delivery);
  } else if (const Topic* topic = FindTopic(delivery.topic())) {
    for (Member* member : topic->members) {
      if (member->peer != delivery.from()) DeliverTo(member, delivery);
    }
  }
  const uint64_t copies = counters_.frames_delivered.Get() - before;
  // Across machines as true as their clocks; a clock that is behind must not make it negative.
  if (delivery.read_us() != 0)
    counters_.relay_latency.Add(std::max<int64_t>(0, now_us - delivery.read_us()), copies);
}

void Lane::DeliverTo(Member* member, const Delivery& delivery) {
  const std::string_view frame = FrameFor(*member, delivery);
  member->client->Deliver(frame);
  ++member->counts.messages_out;
  member->counts.bytes_out += frame.size();
  Changed(member);
  counters_.frames_delivered.Add();
  counters_.CountOut(member->form(), frame.size());
}

std::string_view Lane::FrameFor(const Member& member, const Delivery& delivery) {
  std::string& frame = member.v2() ? v2_frame_ : native_frame_;
  if (!frame.empty()) return frame;
  if (member.v2()) {
    std::string message;
    wire::AppendRelayFrom(delivery.topic(), delivery.payload(), FormatId(delivery.from()), message);
    wire::AppendWsFrame(wire::WsOpcode::kBinary, message, frame);
  } else {
    wire::AppendWsHeader(wire::WsOpcode::kBinary,
                         wire::RelaySize(delivery.topic(), delivery.payload()), frame);
    wire::AppendRelay(delivery.topic(), delivery.payload(), frame);
  }
  return frame;
}

void Lane::OnNotice(const Notice& notice) {
  const auto addressee = members_.find(notice.peer());
  std::string message;
  switch (notice.kind()) {
    case Notice::KIND_SUBSCRIBED: {
      Topic* topic = FindTopic(notice.topic());
      if (addressee == members_.end() || !topic) return;
      const auto subscription = addressee->second->topics.find(topic);
      if (subscription == addressee->second->topics.end()) return;
      subscription->second.answered = true;
      subscription->second.asked = false;
      wire::AppendSubscribed(notice.topic(), notice.count(), message);
      return Say(*addressee->second, message);
    }
    case Notice::KIND_RECEIPT:
      open_.ReceiptGiven(notice.seq());
      if (addressee == members_.end()) return;
      wire::AppendReceipt(notice.receipt_id(), notice.count(), message);
      return Say(*addressee->second, message);
    case Notice::KIND_MISSED:
      return SayMissed();
    case Notice::KIND_JOINED:
      wire::AppendJoined(notice.topic(), FormatId(notice.peer()), message);
      break;
    case Notice::KIND_LEFT:
      wire::AppendLeft(notice.topic(), FormatId(notice.peer()), message);
      break;
    default:
      return;  // of a newer core
  }
  Topic* topic = FindTopic(notice.topic());
  if (!topic) return;
  for (Member* member : topic->members) {
    if (!member->v2() || member->peer == notice.peer()) continue;
    // Those that came before the client was counted are among the `others` that it will be told of.
    if (member->topics.at(topic).answered) Say(*member, message);
  }
}

void Lane::Say(const Member& member, std::string_view message) {
  counters_.CountOut(MessageForm::kCborV2, member.client->Send(wire::WsOpcode::kBinary, message));
}

}  // namespace cairn::edge
