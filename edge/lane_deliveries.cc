// Lane: messages from the core.
#include <string>

#include "edge/lane.h"
#include "proto/wire/v2_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::Notice;

void Lane::OnCoreMessage(CoreToLane& message) {
  if (message.deliveries_size() > 0) deliver_us_ = absl::ToUnixMicros(clock_.WallTime());
  for (Delivery& delivery : *message.mutable_deliveries()) {
    if (seen_.Take(delivery.origin_lane(), delivery.origin_seq())) {
      OnDelivery(delivery);
    } else {
      counters_.Count(DropReason::kDuplicate);
    }
  }
  EndRun();
  for (int i = 0; i + 1 < message.settled_size(); i += 2)
    open_.Settle(message.settled(i), message.settled(i + 1));
  if (message.has_roster()) OnRoster(message.roster());
  for (Notice& notice : *message.mutable_notices()) OnNotice(notice);
  for (const signaling::v1::Answer& answer : message.answers()) OnAnswer(answer);
  for (const signaling::v1::Command& command : message.commands()) CarryOut(command);
}

void Lane::OnRoster(const signaling::v1::Roster& roster) {
  rosters_.OnRoster(roster);
  if (roster.complete()) seen_.OnRoster(roster, clock_.Elapsed());
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
      return;  // sent by a newer core
  }
}

void Lane::OnNotice(Notice& notice) {
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
    case Notice::KIND_FAN_OUT:
      if (addressee != members_.end()) addressee->second->client->Charge(notice.count());
      return;
    case Notice::KIND_JOINED:
    case Notice::KIND_LEFT:
      return OnPresence(notice);
    default:
      return;  // sent by a newer core
  }
}

void Lane::Say(const Member& member, std::string_view message) {
  counters_.CountOut(MessageForm::kCborV2, member.client->Send(wire::WsOpcode::kBinary, message));
}

}  // namespace cairn::edge
