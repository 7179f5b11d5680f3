// CallFrames: how many of a caller's bytes may be passed on to gRPC now.
//
// gRPC 1.51 accepts calls at any rate, and a call that is reset at once keeps its memory until
// gRPC gets to it: 100,000 of them took 660 MB. It also stores header blocks of any length. So this
// limits the rate of calls and the length of a header block. The frames of a TLS connection cannot
// be read here; its rate of bytes is limited instead.
//
// Owner:  RelayedConnection.
// Thread: its owner's.
// Bounds: those below.
// Errors: broken(): a header block is longer than gRPC would accept.
#ifndef CAIRN_CORE_CALL_FRAMES_H_
#define CAIRN_CORE_CALL_FRAMES_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn::core {

class CallFrames {
 public:
  static constexpr double kCallsPerSecond = 500, kCallsAtOnce = 500;
  // Of HEADERS and its CONTINUATION frames. gRPC accepts 8 KiB of fields.
  static constexpr size_t kMaxBlockBytes = 16 << 10;
  static constexpr double kEncryptedBytesPerSecond = 256 << 10, kEncryptedBytesAtOnce = 64 << 10;

  CallFrames(bool encrypted, absl::Duration now)
      : encrypted_(encrypted),
        tokens_(encrypted ? kEncryptedBytesAtOnce : kCallsAtOnce),
        since_(now) {}

  // How many of these bytes may be passed on. The others, and those that follow them, must be given
  // again, at resumes() if that is not never, and else once there are more of them.
  size_t Admit(std::string_view bytes, absl::Duration now);
  absl::Duration resumes() const { return resumes_; }
  // Nothing more may be passed on.
  bool broken() const { return broken_; }

 private:
  void Refill(absl::Duration now);
  size_t AdmitEncrypted(size_t bytes, absl::Duration now);
  // Whether the frame may begin now.
  bool Begin(uint8_t type, size_t payload_bytes, absl::Duration now);

  const bool encrypted_;
  double tokens_;
  absl::Duration since_;
  absl::Duration resumes_ = absl::InfiniteDuration();
  bool broken_ = false;
  // Of the preface, then of the frame that has begun.
  size_t left_ = 24;
  size_t block_bytes_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_CALL_FRAMES_H_
