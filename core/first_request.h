// FirstRequest: parses the beginning of an HTTP/2 connection to the core's port, up to its first
// request.
//
// It is parsed here, before gRPC gets a byte of it, so that a caller without a credential costs no
// more than the bounds below: RFC 9113's preface, the client's SETTINGS, and one HEADERS frame.
//
// Owner:  GrpcAcceptor, one for each connection that has not shown its credential.
// Thread: its owner's.
// Bounds: kMaxBytes of input, kMaxHeaderBytes of headers after decompression, one header table of
//         4 KiB.
// Errors: kBroken for input that is not HTTP/2, or is more than needed to identify the caller.
#ifndef CAIRN_CORE_FIRST_REQUEST_H_
#define CAIRN_CORE_FIRST_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::core {

class FirstRequest {
 public:
  // Up to the end of the first request's headers.
  static constexpr size_t kMaxBytes = 24 << 10;
  // After them, until the acknowledgement: includes what a client may send before it must wait
  // (65,535 bytes).
  static constexpr size_t kMaxBytesAfterRequest = 96 << 10;
  static constexpr size_t kMaxHeaderBytes = 16 << 10;

  enum class State {
    kReading,     // more is needed
    kHasRequest,  // path() and authorization() are known; the client has not acknowledged kSettings
    kComplete,    // both
    kBroken,
  };

  // The server's first bytes. Their acknowledgement is left out of received(): gRPC sends SETTINGS
  // of its own, and expects one acknowledgement.
  static std::string Settings();

  // The next bytes of the connection. Ignored after kBroken.
  State Take(std::string_view bytes);

  State state() const { return state_; }
  // Of the first request; empty if it has none.
  const std::string& path() const { return path_; }
  const std::string& authorization() const { return authorization_; }
  // The caller makes no other call on the connection (link::kOneCallHeader).
  bool one_call() const { return one_call_; }
  uint32_t stream_id() const { return stream_id_; }
  // All bytes so far; gRPC starts with them.
  const std::string& received() const { return received_; }

 private:
  struct Frame {
    uint8_t type, flags;
    uint32_t stream_id;
    std::string_view payload;
  };

  // False: the connection is broken. `size`: of the whole frame, which ends at parsed_.
  bool TakeFrame(const Frame& frame, size_t size);
  bool TakeHeaders(const Frame& frame);
  bool Decode(std::string_view block);
  bool TakeField(std::string_view name, std::string_view value);

  std::string received_;
  size_t parsed_ = 0;  // of received_
  State state_ = State::kReading;
  bool has_settings_ = false;
  bool acknowledged_ = false;
  uint32_t stream_id_ = 0;
  size_t header_bytes_ = 0;
  std::string path_, authorization_;
  bool one_call_ = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FIRST_REQUEST_H_
