#include "core/first_request.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "core/http2_frames.h"
#include "proto/link/grpc_messages.h"

namespace cairn::core {
namespace {

// The overhead of a header field, as gRPC counts it (RFC 9113, 6.5.2).
constexpr size_t kFieldOverhead = 32;
// Of the client's first SETTINGS: there are a dozen settings.
constexpr size_t kMaxSettingsBytes = 256;
constexpr uint32_t kFewStreams = 100;

// Big-endian.
uint32_t Number(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

}  // namespace

std::string FirstRequest::Settings() {
  return http2::Frame(http2::kSettings, 0, 0,
                      http2::Setting(http2::kMaxConcurrentStreams, kFewStreams) +
                          http2::Setting(http2::kMaxHeaderListSize, kMaxHeaderBytes));
}

FirstRequest::State FirstRequest::Take(std::string_view bytes) {
  if (state_ == State::kBroken) return state_;
  received_.append(bytes);
  if (parsed_ < http2::kPreface.size()) {
    const size_t known = std::min(received_.size(), http2::kPreface.size());
    if (received_.compare(0, known, http2::kPreface, 0, known) != 0) return state_ = State::kBroken;
    if (known < http2::kPreface.size()) return state_;
    parsed_ = known;
  }
  while (received_.size() - parsed_ >= http2::kFrameHeaderBytes && state_ != State::kComplete) {
    const std::string_view header =
        std::string_view(received_).substr(parsed_, http2::kFrameHeaderBytes);
    const size_t length = Number(header.substr(0, 3));
    if (length > http2::kMaxFramePayload) return state_ = State::kBroken;
    const size_t size = http2::kFrameHeaderBytes + length;
    if (received_.size() - parsed_ < size) break;
    const Frame frame = {
        static_cast<uint8_t>(header[3]), static_cast<uint8_t>(header[4]),
        Number(header.substr(5, 4)) & 0x7fffffff,
        std::string_view(received_).substr(parsed_ + http2::kFrameHeaderBytes, length)};
    parsed_ += size;
    if (!TakeFrame(frame, size)) return state_ = State::kBroken;
  }
  const size_t bound = stream_id_ == 0 ? kMaxBytes : kMaxBytesAfterRequest;
  if (state_ != State::kComplete && received_.size() > bound) state_ = State::kBroken;
  return state_;
}

bool FirstRequest::TakeFrame(const Frame& frame, size_t size) {
  if (!has_settings_) {
    has_settings_ = frame.type == http2::kSettings && (frame.flags & http2::kAck) == 0 &&
                    frame.stream_id == 0 && frame.payload.size() % 6 == 0 &&
                    frame.payload.size() <= kMaxSettingsBytes;
    return has_settings_;
  }
  switch (frame.type) {
    case http2::kSettings:
      // One acknowledgement is for ours; there is no reason for new settings before the request.
      if ((frame.flags & http2::kAck) == 0) return stream_id_ != 0;
      if (acknowledged_ || !frame.payload.empty() || frame.stream_id != 0) return false;
      acknowledged_ = true;
      parsed_ -= size;
      received_.erase(parsed_, size);
      if (stream_id_ != 0) state_ = State::kComplete;
      return true;
    case http2::kHeaders:
      return stream_id_ != 0 || TakeHeaders(frame);
    case http2::kData:
      return stream_id_ != 0;
    case http2::kPriority:
    case http2::kPing:
    case http2::kWindowUpdate:
      return true;
    default:
      // CONTINUATION, RST_STREAM, and other frames that a client has no reason to begin with.
      return false;
  }
}

bool FirstRequest::TakeHeaders(const Frame& frame) {
  if ((frame.flags & http2::kEndHeaders) == 0 || frame.stream_id % 2 == 0) return false;
  std::string_view block = frame.payload;
  if ((frame.flags & http2::kPadded) != 0) {
    if (block.empty()) return false;
    const size_t padding = static_cast<uint8_t>(block[0]);
    block.remove_prefix(1);
    if (padding > block.size()) return false;
    block.remove_suffix(padding);
  }
  if ((frame.flags & http2::kWithPriority) != 0) {
    constexpr size_t kPriorityBytes = 5;
    if (block.size() < kPriorityBytes) return false;
    block.remove_prefix(kPriorityBytes);
  }
  if (!Decode(block) || path_.empty()) return false;
  stream_id_ = frame.stream_id;
  state_ = acknowledged_ ? State::kComplete : State::kHasRequest;
  return true;
}

bool FirstRequest::Decode(std::string_view block) {
  nghttp2_hd_inflater* inflater = nullptr;
  CAIRN_CHECK(nghttp2_hd_inflate_new(&inflater) == 0);
  const std::unique_ptr<nghttp2_hd_inflater, decltype(&nghttp2_hd_inflate_del)> owner(
      inflater, &nghttp2_hd_inflate_del);
  const auto* next = reinterpret_cast<const uint8_t*>(block.data());
  size_t left = block.size();
  for (;;) {
    nghttp2_nv field;
    int flags = NGHTTP2_HD_INFLATE_NONE;
    const ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, next, left, 1);
    if (taken < 0) return false;
    next += taken;
    left -= static_cast<size_t>(taken);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 &&
        !TakeField({reinterpret_cast<const char*>(field.name), field.namelen},
                   {reinterpret_cast<const char*>(field.value), field.valuelen})) {
      return false;
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) return false;
  }
  return true;
}

bool FirstRequest::TakeField(std::string_view name, std::string_view value) {
  header_bytes_ += name.size() + value.size() + kFieldOverhead;
  if (header_bytes_ > kMaxHeaderBytes) return false;
  if (name == ":path" && path_.empty()) path_ = value;
  if (name == "authorization" && authorization_.empty()) authorization_ = value;
  if (name == link::kOneCallHeader && value == link::kOneCall) one_call_ = true;
  return true;
}

}  // namespace cairn::core
