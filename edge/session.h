// Session: the messages of one client after its upgrade: WebSocket bytes in, calls of the lane and
// frames out. No sockets.
//
// Owner:  one Connection.
// Thread: its loop.
// Bounds: those of WsDecoder; EdgeLimits::max_topics, max_topic_bytes.
// Errors: either Client::Close() with one CloseReason, or a counted DropReason, and the session
//         continues.
#ifndef CAIRN_EDGE_SESSION_H_
#define CAIRN_EDGE_SESSION_H_

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "base/prefetch.h"
#include "edge/client.h"
#include "edge/lane.h"
#include "proto/wire/json_message.h"
#include "proto/wire/message_reader.h"
#include "proto/wire/ws_decoder.h"

namespace cairn::edge {

// What all sessions of a loop share.
struct SessionContext {
  Lane& lane;
  const EdgeLimits& limits;
  EdgeCounters& counters;
  wire::MessageReader& reader;
  bool log_peers = false;  // --log-peers
};

class Session {
 public:
  // Joins the lane. All arguments must outlive the session.
  Session(SessionContext& context, Client& client, uint64_t peer, Lane::PeerFacts facts);
  // Leaves the lane with the reason given to End(); otherwise as a lost connection.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // How much may be handled in one call.
  struct Allowance {
    uint32_t messages = std::numeric_limits<uint32_t>::max();  // and pings
    uint64_t work = std::numeric_limits<uint64_t>::max();      // edge/work.h
  };
  // Handles every complete message in `bytes`, which it changes (unmasking), but stops once that
  // much has been handled since the last TakeHeard(). Returns the rest, which the next call must
  // begin with. After it has called Client::Close() it ignores all input.
  std::span<char> OnBytes(std::span<char> bytes) { return OnBytes(bytes, Allowance()); }
  std::span<char> OnBytes(std::span<char> bytes, Allowance most);
  // The memory of a message that has not come whole.
  size_t held_bytes() const { return decoder_.held_bytes(); }

  // Why the session is about to end, for the core's history. REQUIRES: `reason` outlives this.
  void End(uint16_t code, std::string_view reason) {
    end_code_ = code;
    end_reason_ = reason;
  }
  // cairn.signal.v2: the connection is about to be closed; `wait`: when to reconnect.
  void SayDraining(absl::Duration wait);
  // cairn.signal.v2: reading is paused for a while because the client exceeds --rate-messages or
  // --rate-deliveries.
  void SayRateLimited(bool deliveries);
  // What has been handled since the last call.
  struct Heard {
    uint32_t messages = 0;
    uint64_t work = 0;
  };
  Heard TakeHeard() { return std::exchange(heard_, Heard()); }
  // It is about to handle input.
  void PrefetchMember() const { Prefetch(member_, sizeof(*member_)); }
  void NoteRtt(absl::Duration rtt) { context_.lane.NoteRtt(member_, rtt); }

 private:
  void OnMessage(const wire::WsDecoder::Event& event);
  void OnText(std::string_view text);
  void OnRelay(const wire::Message& message);
  void OnPublish(wire::JsonMessage& message);
  void SayWelcome();
  // A message of cairn.signal.v2.
  void Say(std::string_view message);
  void SayJson(std::string_view text);
  // The message had no effect: it is counted, and clients that ask for errors are told.
  void Drop(DropReason reason);
  void Close(CloseReason reason, uint16_t peer_code = 0);
  // The dialect of its last message; before the first one, only a v2 client's is known.
  std::string_view Dialect() const;
  bool TopicFits(std::string_view topic);

  // Borrowed; must outlive this.
  SessionContext& context_;
  Client& client_;
  Lane::Member* const member_;
  // Loop thread only.
  wire::WsDecoder decoder_;
  bool closed_ = false;
  Heard heard_;
  uint16_t end_code_ = 0;
  std::string_view end_reason_ = Name(CloseReason::kConnectionLost);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_SESSION_H_
