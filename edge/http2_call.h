// Http2Call: one gRPC call, alone on an HTTP/2 connection. Bytes in, bytes out.
//
// On the wire it is gRPC: a request with `te: trailers`, each message behind five bytes (flags and
// length), and a status in the trailers. It ends with the status, or with the code that gRPC's
// rules give to whatever came instead.
//
// Owner:  one Http2CoreStream. Knows no socket and no clock.
// Thread: its owner's.
// Bounds: one message and what Receive() was given; kMaxHeaderListBytes of headers and trailers.
// Errors: end(). What the peer does wrong ends the call.
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
  // and everything is taken when it comes: half of this is always open.
  static constexpr int32_t kWindowBytes = 4 << 20;

  struct Options {
    std::string scheme = "http";
    std::string authority;
    std::string path;
    std::string user_agent;
    std::string authorization;     // empty: none
    size_t max_message_bytes = 0;  // of the peer
    // A PING is sent after so long without a byte from the peer, and the call ends when so much
    // more has passed without one.
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

  // ---- the peer's bytes

  // The connection is there: the time of PINGs begins.
  void Connected(absl::Duration now) { heard_ = now; }
  void Receive(std::string_view bytes, absl::Duration now);
  // The next message that has come, valid until the next call of NextMessage() or Receive(). To be
  // called until there is none, also after the call has ended.
  std::optional<std::string_view> NextMessage();
  // Appends what is to be written, until `into` has `enough` bytes or there is no more.
  void AppendOutput(std::string& into, size_t enough);

  // ---- ours

  // Everything of the last message has gone into the output.
  bool CanSend() const { return !end_ && outgoing_.empty(); }
  // REQUIRES: CanSend().
  void Send(const google::protobuf::MessageLite& message);
  // Tells the peer that nobody waits for the call any more. The end is CANCELLED.
  void Cancel();

  // ---- time

  // REQUIRES: Connected().
  void OnTime(absl::Duration now);
  // When OnTime() has something to do, if nothing comes before.
  absl::Duration next_time() const {
    return pinged_ ? *pinged_ + options_.ping_timeout : heard_ + options_.ping_interval;
  }

  // The peer speaks HTTP/2.
  bool established() const { return established_; }
  // The call has ended. Messages that came before are still there.
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
  // Messages of the peer with their prefixes; what is before taken_ has been handed out.
  std::string incoming_;
  size_t taken_ = 0;
  // The message that is being sent, with its prefix; what is before sent_ has gone into the output.
  std::string outgoing_;
  size_t sent_ = 0;
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
  std::optional<absl::Duration> pinged_;  // and nothing heard since
  std::optional<End> end_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HTTP2_CALL_H_
