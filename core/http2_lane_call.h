// Http2LaneCall: the core's end of one gRPC call, the only one on its HTTP/2 connection. Bytes in,
// bytes out.
//
// On the wire it is gRPC, as edge/http2_call.h describes it from the other end. Further requests on
// the connection are refused.
//
// Owner:  one LaneConnection. No socket, no clock.
// Thread: its owner's.
// Bounds: kWindowBytes of messages that NextMessage() has not returned, one message to send,
//         kMaxWaitingFrames.
// Errors: ended(). A protocol error of the peer ends the call.
// Source: RFC 9113; gRPC's PROTOCOL-HTTP2.md.
#ifndef CAIRN_CORE_HTTP2_LANE_CALL_H_
#define CAIRN_CORE_HTTP2_LANE_CALL_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/link/grpc_messages.h"

struct nghttp2_session;

namespace cairn::core {

class Http2LaneCall {
 public:
  // What the edge may send before its messages are taken: more than its longest message.
  static constexpr int32_t kWindowBytes = 1 << 20;
  // Frames that wait to be written, most of them answers: more end the call.
  static constexpr size_t kMaxWaitingFrames = 1000;

  struct Options {
    size_t max_message_bytes = 0;
    // A PING is sent after this long without a byte from the edge; the call ends when the second
    // time passes without one after it.
    absl::Duration ping_interval;
    absl::Duration ping_timeout;
  };

  Http2LaneCall(const Options& options, absl::Duration now);
  ~Http2LaneCall();
  Http2LaneCall(const Http2LaneCall&) = delete;
  Http2LaneCall& operator=(const Http2LaneCall&) = delete;

  // From the first byte of the connection on.
  void Receive(std::string_view bytes, absl::Duration now);
  // The next message received, valid until the next call of NextMessage() or Receive(). Those that
  // are not taken close the edge's window.
  std::optional<std::string_view> NextMessage();
  // Appends the bytes to write, until `into` has `enough` bytes or there are no more.
  void AppendOutput(std::string& into, size_t enough);

  // The last messages have been written into the output.
  bool CanSend() const { return outgoing_.empty() && !finish_; }
  // Messages with their prefixes (AppendGrpcMessage()); takes the contents and leaves memory for
  // the next. REQUIRES: CanSend().
  void Send(std::string& messages);
  // Ends the call with this status, after what was sent.
  void Finish(int code, std::string message);
  // After Finish(): all of it has been written into the output.
  bool finished() const { return trailers_sent_; }

  void OnTime(absl::Duration now);

  // The edge sends no more messages.
  bool peer_done() const { return peer_done_; }
  // The call cannot continue: the edge has reset it, or broken the protocol.
  bool ended() const { return ended_; }
  // The edge has broken HTTP/2 or gRPC, or a bound. Its messages are refused.
  bool broken() const { return broken_; }
  // Received, and not returned by NextMessage().
  size_t waiting_bytes() const { return incoming_.waiting_bytes(); }

 private:
  struct Callbacks;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const;
  };
  struct Status {
    int code;
    std::string message;
  };

  void Accept(int32_t stream);
  void SubmitTrailers();

  // Immutable after construction.
  const Options options_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  int32_t stream_ = 0;  // 0: the request has not come
  link::GrpcMessages incoming_;
  link::OutgoingGrpcMessages outgoing_;
  std::optional<Status> finish_;
  bool trailers_submitted_ = false;
  bool trailers_sent_ = false;
  bool peer_done_ = false;
  bool ended_ = false;
  bool broken_ = false;
  absl::Duration heard_;
  std::optional<absl::Duration> pinged_;  // when it was sent; no byte received since
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_HTTP2_LANE_CALL_H_
