#include "core/call_frames.h"

#include <algorithm>

#include "core/http2_frames.h"

namespace cairn::core {
namespace {

constexpr size_t kPrefaceBytes = 24;
static_assert(http2::kPreface.size() == kPrefaceBytes);

}  // namespace

size_t CallFrames::Admit(std::string_view bytes, absl::Duration now) {
  resumes_ = absl::InfiniteDuration();
  Refill(now);
  if (encrypted_) return AdmitEncrypted(bytes.size(), now);
  size_t admitted = 0;
  while (!broken_) {
    const size_t payload = std::min(left_, bytes.size() - admitted);
    admitted += payload;
    left_ -= payload;
    if (left_ > 0 || bytes.size() - admitted < http2::kFrameHeaderBytes) break;
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[admitted + at]); };
    const size_t length = size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2);
    if (!Begin(byte(3), length, now)) break;
    left_ = http2::kFrameHeaderBytes + length;
  }
  return admitted;
}

void CallFrames::Refill(absl::Duration now) {
  const double rate = encrypted_ ? kEncryptedBytesPerSecond : kCallsPerSecond;
  const double most = encrypted_ ? kEncryptedBytesAtOnce : kCallsAtOnce;
  tokens_ = std::min(most, tokens_ + rate * absl::ToDoubleSeconds(now - since_));
  since_ = now;
}

size_t CallFrames::AdmitEncrypted(size_t bytes, absl::Duration now) {
  // Not a few bytes at a time.
  constexpr size_t kPiece = 4 << 10;
  const size_t admitted = std::min(bytes, static_cast<size_t>(tokens_));
  if (admitted < std::min(bytes, kPiece)) {
    resumes_ = now + absl::Seconds((kPiece - tokens_) / kEncryptedBytesPerSecond);
    return 0;
  }
  tokens_ -= static_cast<double>(admitted);
  if (admitted < bytes) resumes_ = now + absl::Seconds(kPiece / kEncryptedBytesPerSecond);
  return admitted;
}

bool CallFrames::Begin(uint8_t type, size_t payload_bytes, absl::Duration now) {
  if (type == http2::kContinuation) {
    // Also frames without a payload have an end.
    block_bytes_ += http2::kFrameHeaderBytes + payload_bytes;
  } else if (type == http2::kHeaders) {
    if (tokens_ < 1) {
      resumes_ = now + absl::Seconds((1 - tokens_) / kCallsPerSecond);
      return false;
    }
    tokens_ -= 1;
    block_bytes_ = payload_bytes;
  } else {
    return true;
  }
  broken_ = block_bytes_ > kMaxBlockBytes;
  return !broken_;
}

}  // namespace cairn::core
