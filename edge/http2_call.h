// Http2Call: one gRPC call, the only one on its HTTP/2 connection. Bytes in, bytes out.
//
// On the wire it is gRPC: a request with `te: trailers`, messages with a prefix of five bytes
// (flags and length), and a status in the trailers. It ends with that status, or with the code that
// gRPC's rules assign to any other answer.
//
// Owner:  one Http2CoreStream. No socket, no clock.
// Thread: its owner's.
// Bounds: one message and the input of Receive(); kMaxHeaderListBytes of headers and trailers.
// Errors: end(). A protocol error of the peer ends the call.
// Source: RFC 9113; gRPC's PROTOCOL-HTTP2.md and http-grpc-status-mapping.md.
#ifndef CAIRN_EDGE_HTTP2_CALL_H_
#define CAIRN_EDGE_HTTP2_CALL_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/link/grpc_messages.h"

struct nghttp2_session;

namespace google::protobuf {
class MessageLite;
}

namespace cairn::edge {

class Http2Call {
 public:
  // As HTTP/2 counts them: 32 bytes for each header besides its name and value.
  static constexpr size_t kMaxHeaderListBytes = 16 << 10;
  // What the peer may send before it needs a WINDOW_UPDATE. One is sent when half of it is used,
  // and all input is consumed at once: so half of it is always open.
  static constexpr int32_t kWindowBytes = 4 << 20;

  struct Options {
    std::string scheme = "http";
    std::string authority;
    std::string path;
    std::string user_agent;
    std::string authorization;     // empty: none
    size_t max_message_bytes = 0;  // of the peer
    // A PING is sent after this long without a byte from the peer; the call ends when the second
    // time passes without one after it.
    absl::Duration ping_interval;
    absl::Duration ping_timeout;
  };
  struct End {
    int code;  // a gRPC status code
    std::string message;
  };

  explicit Http2Call(const Options& options);
  ~Http2Call();
  Http2Call(const Http2Call&) = delete;
  Http2Call& operator=(const Http2Call&) = delete;

  // ---- input

  // The connection is established: the time of PINGs starts.
  void Connected(absl::Duration now) { heard_ = now; }
  void Receive(std::string_view bytes, absl::Duration now);
  // The next message received, valid until the next call of NextMessage() or Receive(). Must be
  // called until there is none, also after the call has ended.
  std::optional<std::string_view> NextMessage();
  // Appends the bytes to write, until `into` has `enough` bytes or there are no more.
  void AppendOutput(std::string& into, size_t enough);

  // ---- output

  // The whole last message has been written into the output.
  bool CanSend() const { return !end_ && outgoing_.empty(); }
  // Messages with their prefixes (AppendGrpcMessage()); takes the contents and leaves memory for
  // the next. REQUIRES: CanSend().
  void Send(std::string& messages);
  // Tells the peer that the result is no longer wanted. The call ends with CANCELLED.
  void Cancel();

  // ---- time

  // REQUIRES: Connected().
  void OnTime(absl::Duration now);
  // When OnTime() must be called next, if nothing arrives before.
  absl::Duration next_time() const {
    return pinged_ ? *pinged_ + options_.ping_timeout : heard_ + options_.ping_interval;
  }

  absl::Duration ping_interval() const { return options_.ping_interval; }
  // When the PING was sent that the peer has not answered, if it owes an answer.
  const std::optional<absl::Duration>& pinged() const { return pinged_; }
  // The peer speaks HTTP/2.
  bool established() const { return established_; }
  // The call has ended. Messages received before are still available.
  const std::optional<End>& end() const { return end_; }

 private:
  struct Callbacks;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const;
  };

  void Submit();
  void Fail(int code, std::string message);
  // The peer has ended its half of the call.
  void OnPeerEnd();
  void OnResponse();
  bool OnHeader(std::string_view name, std::string_view value);

  // Immutable after construction.
  const Options options_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  int32_t stream_ = 0;
  link::GrpcMessages incoming_;
  link::OutgoingGrpcMessages outgoing_;
  // Of the response.
  size_t header_bytes_ = 0;
  int http_status_ = 0;
  std::string content_type_;
  std::optional<std::string> grpc_status_;
  std::string grpc_message_;
  std::optional<End> goaway_;
  std::string session_error_;
  bool established_ = false;
  absl::Duration heard_;
  std::optional<absl::Duration> pinged_;  // when it was sent; no byte received since
  std::optional<End> end_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HTTP2_CALL_H_
