#include "edge/session.h"

#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/peer_id.h"
#include "proto/wire/json_message.h"
#include "proto/wire/json_result.h"
#include "proto/wire/v2_writer.h"

namespace cairn::edge {

using wire::WsDecoder;

namespace {

// The codes of an Error of cairn.signal.v2 that are not drop reasons: nothing is lost.
constexpr char kMessagesError[] = "rate_messages";
constexpr char kDeliveriesError[] = "rate_deliveries";

}  // namespace

Session::Session(SessionContext& context, Client& client, uint64_t peer, Lane::PeerFacts facts)
    : context_(context),
      client_(client),
      member_(context.lane.Join(peer, &client, std::move(facts))),
      decoder_(context.limits.max_message_bytes) {
  context_.counters.upgraded.Add();
  if (context_.log_peers) {
    const Lane::PeerFacts& known = member_->facts;
    log::Info(log::Edge(), "peer_opened",
              {{"peer", FormatId(peer)},
               {"remote", known.remote_address},
               {"dialect", Dialect()},
               {"tls", known.tls_version}});
  }
  if (member_->v2()) SayWelcome();
}

Session::~Session() {
  if (context_.log_peers) {
    log::Info(log::Edge(), "peer_closed",
              {{"peer", FormatId(member_->peer)},
               {"remote", member_->facts.remote_address},
               {"dialect", Dialect()},
               {"code", end_code_},
               {"reason", end_reason_}});
  }
  context_.lane.Leave(member_, end_code_, end_reason_);
}

std::span<char> Session::OnBytes(std::span<char> bytes, Allowance most) {
  const auto heard = [this](uint64_t work) {
    ++heard_.messages;
    heard_.work += work;
  };
  while (!closed_ && heard_.messages < most.messages && heard_.work < most.work) {
    const WsDecoder::Event event = decoder_.Next(bytes);
    switch (event.type) {
      case WsDecoder::EventType::kNeedMore:
        return {};
      case WsDecoder::EventType::kText:
        heard(TextWork(event.data.size()));
        OnText(event.data);
        break;
      case WsDecoder::EventType::kBinary:
        heard(BinaryWork(event.data.size()));
        OnMessage(event);
        break;
      case WsDecoder::EventType::kPing:
        heard(kPingWork);
        client_.Pong(event.data);
        break;
      case WsDecoder::EventType::kPong:
        client_.OnPong(event.data);
        break;
      case WsDecoder::EventType::kClose:
        Close(CloseReason::kClientClosed, event.close_code);
        break;
      case WsDecoder::EventType::kError:
        Close(ReasonFor(event.fault));
        break;
    }
  }
  return closed_ ? std::span<char>() : bytes;
}

inline void Session::OnMessage(const WsDecoder::Event& event) {
  const MessageForm form = member_->form();
  context_.counters.CountIn(form, event.data.size());
  const wire::DecodeResult decoded = context_.reader.Read(event.data, member_->facts.dialect);
  if (decoded.fault != wire::DecodeFault::kNone) return Drop(ReasonFor(decoded.fault));
  context_.lane.NoteMessage(member_, event.data.size(), Name(form));
  const wire::Message& message = decoded.message;
  if (!TopicFits(message.topic)) return;
  switch (message.kind) {
    case wire::MessageKind::kSubscribe:
      if (context_.lane.Subscribe(member_, message.topic) == Lane::SubscribeResult::kTooMany) {
        Close(CloseReason::kTooManyTopics);
      }
      break;
    case wire::MessageKind::kUnsubscribe:
      context_.lane.Unsubscribe(member_, message.topic);
      break;
    case wire::MessageKind::kRelay:
      OnRelay(message);
      break;
  }
}

inline void Session::OnRelay(const wire::Message& message) {
  uint64_t to = 0;
  if (message.to) {
    const std::optional<uint64_t> id = ParseId(*message.to);
    if (!id || *id == 0) return Drop(DropReason::kBadPeerId);
    to = *id;
  }
  context_.lane.Relay(member_, message, to);
}

void Session::SayWelcome() {
  const std::string peer = FormatId(member_->peer);
  wire::Welcome welcome;
  welcome.peer = peer;
  welcome.time_ms = static_cast<uint64_t>(member_->facts.connected_since_us / 1000);
  welcome.max_message_bytes = context_.limits.max_message_bytes;
  welcome.max_topic_bytes = context_.limits.max_topic_bytes;
  welcome.max_topics = context_.limits.max_topics;
  std::string message;
  wire::AppendWelcome(welcome, message);
  Say(message);
}

void Session::SayDraining(absl::Duration wait) {
  if (!member_->v2()) return;
  std::string message;
  wire::AppendDraining(static_cast<uint64_t>(absl::ToInt64Milliseconds(wait)), message);
  Say(message);
}

void Session::SayRateLimited(bool deliveries) {
  if (!member_->v2() || closed_) return;
  std::string message;
  if (deliveries) {
    wire::AppendError(
        kDeliveriesError,
        "what you say goes to more than the server hands on for one client: it reads on later",
        message);
  } else {
    wire::AppendError(kMessagesError,
                      "you say more than the server takes of one client: it reads on later",
                      message);
  }
  Say(message);
}

void Session::Drop(DropReason reason) {
  context_.counters.Count(reason);
  if (!member_->v2()) return;
  std::string message;
  wire::AppendError(Name(reason), "the message had no effect; see docs/PROTOCOL.md, Reasons",
                    message);
  Say(message);
}

void Session::Say(std::string_view message) {
  context_.counters.CountOut(MessageForm::kCborV2, client_.Send(wire::WsOpcode::kBinary, message));
}

void Session::OnText(std::string_view text) {
  if (!context_.limits.json_dialects) return Drop(DropReason::kTextMessage);
  context_.counters.CountIn(MessageForm::kJson, text.size());
  wire::JsonMessage message;
  if (const wire::JsonFault fault = wire::ReadJsonMessage(text, message);
      fault != wire::JsonFault::kNone) {
    const DropReason reason = ReasonFor(fault);
    Drop(reason);
    // Only the sender of an announce waits for an answer.
    if (message.kind == wire::JsonMessage::Kind::kAnnounce)
      SayJson(wire::WriteJsonRefusal(message.topic, Name(reason)));
    return;
  }
  context_.lane.NoteMessage(member_, text.size(), Name(MessageForm::kJson));
  if (!TopicFits(message.topic)) return;
  if (message.kind == wire::JsonMessage::Kind::kQuery)
    return context_.lane.Query(member_, message.topic);
  OnPublish(message);
}

void Session::OnPublish(wire::JsonMessage& message) {
  const bool waits = message.kind == wire::JsonMessage::Kind::kAnnounce;
  const wire::PublishedRecord record{std::move(message.peer_id), std::move(message.blob),
                                     std::move(message.addresses)};
  if (!wire::FitsJsonResult(message.topic, record)) {
    Drop(DropReason::kRecordTooLarge);
    if (waits) SayJson(wire::WriteJsonRefusal(message.topic, Name(DropReason::kRecordTooLarge)));
    return;
  }
  context_.lane.Publish(member_, message.topic, record);
  if (waits) SayJson(wire::WriteJsonAck(message.topic));
}

void Session::SayJson(std::string_view text) {
  context_.counters.CountOut(MessageForm::kJson, client_.Send(wire::WsOpcode::kText, text));
}

std::string_view Session::Dialect() const {
  const std::string_view last = member_->counts.dialect;
  if (!last.empty()) return last;
  return member_->v2() ? Name(MessageForm::kCborV2) : "unknown";
}

bool Session::TopicFits(std::string_view topic) {
  if (topic.size() <= context_.limits.max_topic_bytes) return true;
  Close(CloseReason::kTopicTooLong);
  return false;
}

void Session::Close(CloseReason reason, uint16_t peer_code) {
  closed_ = true;
  client_.Close(reason, peer_code);
}

}  // namespace cairn::edge
