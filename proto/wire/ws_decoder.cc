#include "proto/wire/ws_decoder.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>

#include "proto/wire/utf8.h"

namespace cairn::wire {
namespace {

// First byte of a frame (RFC 6455 5.2).
constexpr uint8_t kFin = 0x80;
constexpr uint8_t kReservedMask = 0x70;
constexpr uint8_t kOpcodeMask = 0x0F;

constexpr uint8_t kContinuation = 0x0;
constexpr uint8_t kText = 0x1;
constexpr uint8_t kBinary = 0x2;
constexpr uint8_t kClose = 0x8;
constexpr uint8_t kPing = 0x9;
constexpr uint8_t kPong = 0xA;

// Second byte.
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLengthMask = 0x7F;
constexpr uint64_t kLength16 = 126;
constexpr uint64_t kLength64 = 127;

constexpr uint64_t kMaxControlBytes = 125;

bool IsControl(uint8_t first_byte) { return (first_byte & 0x08) != 0; }

// RFC 6455 7.4.1 and 7.4.2, and the IANA registry of close codes for 1012 to 1014. 1004 is
// undefined; 1005, 1006 and 1015 must not be in a frame.
bool IsCloseCodeAllowed(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

// Eight bytes at a time, or four times as many, wherever they lie. The same for any byte order: the
// key is repeated in memory, not in arithmetic.
void Unmask(std::span<char> payload, const std::array<char, 4>& key) {
  uint64_t wide_key = 0;
  std::memcpy(&wide_key, key.data(), 4);
  std::memcpy(reinterpret_cast<char*>(&wide_key) + 4, key.data(), 4);
  char* at = payload.data();
  size_t left = payload.size();
  for (std::array<uint64_t, 4> words; left >= sizeof(words);
       at += sizeof(words), left -= sizeof(words)) {
    std::memcpy(words.data(), at, sizeof(words));
    for (uint64_t& word : words) word ^= wide_key;
    std::memcpy(at, words.data(), sizeof(words));
  }
  for (; left >= sizeof(wide_key); at += sizeof(wide_key), left -= sizeof(wide_key)) {
    uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    word ^= wide_key;
    std::memcpy(at, &word, sizeof(word));
  }
  if (left >= key.size()) {
    uint32_t word = 0, narrow_key = 0;
    std::memcpy(&word, at, sizeof(word));
    std::memcpy(&narrow_key, key.data(), sizeof(narrow_key));
    word ^= narrow_key;
    std::memcpy(at, &word, sizeof(word));
    at += sizeof(word);
    left -= sizeof(word);
  }
  for (size_t i = 0; i < left; ++i) at[i] = static_cast<char>(at[i] ^ key[i]);
}

// Gives the heap memory back, which clear() and assigning an empty string need not.
void Release(std::string& buffer) { std::string().swap(buffer); }

}  // namespace

struct WsDecoder::FrameHeader {
  WsFault fault = WsFault::kNone;
  uint8_t first_byte = 0;
  size_t header_bytes = 0;  // 0 while it is incomplete
  uint64_t payload_bytes = 0;
  std::array<char, 4> mask_key = {};
};

WsDecoder::WsDecoder(size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {
  static_assert(sizeof(WsDecoder) <= 88, "one per connection: keep it small");
  assert(max_message_bytes > 0);
}

// A binary message in one frame with a short or 16-bit length, all of which is there: what clients
// send nearly always. Nothing is taken unless it is one, and valid.
// Inlined: an event that is copied after it was made waits until it has been written.
inline bool WsDecoder::TakeUsual(std::span<char>& in, std::string_view& message) const {
  if (in.size() < 8) return false;
  const auto byte = [in](size_t at) { return static_cast<uint8_t>(in[at]); };
  if (byte(0) != (kFin | kBinary) || (byte(1) & kMasked) == 0) return false;
  size_t length = byte(1) & kLengthMask;
  if (length == kLength64) return false;
  const size_t key_at = length == kLength16 ? 4 : 2;
  if (length == kLength16) length = size_t{byte(2)} << 8 | byte(3);
  const size_t header_bytes = key_at + sizeof(mask_key_);
  if (length > max_message_bytes_ || length > in.size() - header_bytes) return false;
  std::array<char, 4> key;
  std::memcpy(key.data(), &in[key_at], key.size());
  const std::span<char> payload = in.subspan(header_bytes, length);
  in = in.subspan(header_bytes + length);
  Unmask(payload, key);
  message = {payload.data(), payload.size()};
  return true;
}

WsDecoder::Event WsDecoder::Next(std::span<char>& in) {
  if (phase_ == Phase::kFailed) return Fail(fault_);
  if (phase_ == Phase::kDelivered || phase_ == Phase::kClosed) ReleaseDelivered();
  if (phase_ == Phase::kClosed) {
    in = in.last(0);
    return {};
  }
  if (in.empty()) return {};
  if (phase_ == Phase::kHeader && message_opcode_ == 0 && held_.empty()) {
    if (std::string_view message; TakeUsual(in, message))
      return {.type = EventType::kBinary, .data = message};
  }
  while (true) {
    if (phase_ == Phase::kHeader) {
      const WsFault fault = TakeHeader(in);
      if (fault != WsFault::kNone) return Fail(fault);
      if (phase_ == Phase::kHeader) return {};
    }
    const std::string_view part = TakePayload(in);
    const bool is_end = frame_bytes_left_ == 0 && (first_byte_ & kFin) != 0;
    std::string& kept = IsControl(first_byte_) ? held_ : message_;
    if (is_end && kept.empty()) {  // the hot path: all of it is in `in`
      phase_ = Phase::kHeader;
      return Deliver(part);
    }
    kept.append(part);
    if (!IsControl(first_byte_) && !TextStaysValid(part.size())) return Fail(WsFault::kBadUtf8);
    if (frame_bytes_left_ > 0) return {};
    phase_ = Phase::kHeader;
    if (is_end) {
      phase_ = Phase::kDelivered;
      return Deliver(kept);
    }
  }
}

// Checks the first byte alone, given the frames before it.
WsFault WsDecoder::CheckFirstByte(uint8_t first) const {
  if ((first & kReservedMask) != 0) return WsFault::kReservedBits;
  switch (first & kOpcodeMask) {
    case kContinuation:
      return message_opcode_ == 0 ? WsFault::kStrayContinuation : WsFault::kNone;
    case kText:
    case kBinary:
      return message_opcode_ == 0 ? WsFault::kNone : WsFault::kInterleavedMessage;
    case kClose:
    case kPing:
    case kPong:
      return (first & kFin) != 0 ? WsFault::kNone : WsFault::kControlFragmented;
    default:
      return WsFault::kReservedOpcode;
  }
}

// Every rule is applied as soon as its bytes are there, in the order of the bytes: that is what
// makes the outcome independent of how the stream is cut.
WsDecoder::FrameHeader WsDecoder::ParseHeader(std::span<const char> bytes) const {
  FrameHeader header;
  const auto failed = [&header](WsFault fault) {
    header.fault = fault;
    return header;
  };
  const auto byte = [bytes](size_t at) { return static_cast<uint8_t>(bytes[at]); };

  if (bytes.empty()) return header;
  header.first_byte = byte(0);
  const WsFault first_fault = CheckFirstByte(header.first_byte);
  if (first_fault != WsFault::kNone) return failed(first_fault);

  if (bytes.size() < 2) return header;
  if ((byte(1) & kMasked) == 0) return failed(WsFault::kUnmasked);
  const bool is_control = IsControl(header.first_byte);
  uint64_t length = byte(1) & kLengthMask;
  if (is_control && length > kMaxControlBytes) return failed(WsFault::kControlTooLong);

  size_t at = 2;
  if (length >= kLength16) {
    const size_t key_at = length == kLength64 ? 10 : 4;
    if (bytes.size() < key_at) return header;
    for (length = 0; at < key_at; ++at) length = length << 8 | byte(at);
  }
  if (length >> 63 != 0) return failed(WsFault::kLengthOverflow);
  if (!is_control && length > max_message_bytes_ - message_.size()) {
    return failed(WsFault::kMessageTooBig);
  }

  if (bytes.size() < at + header.mask_key.size()) return header;
  std::memcpy(header.mask_key.data(), &bytes[at], header.mask_key.size());
  header.payload_bytes = length;
  header.header_bytes = at + header.mask_key.size();
  return header;
}

// Leaves kHeader for kPayload when the header is complete; otherwise uses `in` up.
WsFault WsDecoder::TakeHeader(std::span<char>& in) {
  FrameHeader header;
  if (held_.empty()) {
    header = ParseHeader(in);
    in = in.subspan(header.header_bytes);
  } else {  // one byte at a time, so as to take none of the payload
    while (header.header_bytes == 0 && header.fault == WsFault::kNone && !in.empty()) {
      held_.push_back(in.front());
      in = in.subspan(1);
      header = ParseHeader(held_);
    }
  }
  if (header.fault != WsFault::kNone) return header.fault;
  if (header.header_bytes == 0) {
    held_.append(in.begin(), in.end());
    in = in.last(0);
    return WsFault::kNone;
  }

  held_.clear();
  phase_ = Phase::kPayload;
  first_byte_ = header.first_byte;
  frame_bytes_left_ = header.payload_bytes;
  mask_key_ = header.mask_key;
  const uint8_t opcode = first_byte_ & kOpcodeMask;
  if (opcode == kText || opcode == kBinary) {
    message_opcode_ = opcode & kOpcodeMask;
    unfinished_ = 0;
  }
  return WsFault::kNone;
}

// Each byte is looked at once, and up to three again.
bool WsDecoder::TextStaysValid(size_t added) {
  if (message_opcode_ != kText) return true;
  const std::string_view news =
      std::string_view(message_).substr(message_.size() - added - unfinished_);
  const std::optional<size_t> unfinished = UnfinishedUtf8(news);
  if (!unfinished) return false;
  unfinished_ = *unfinished & 0x3;
  return true;
}

// Takes what `in` has of the frame's payload and unmasks it there.
std::string_view WsDecoder::TakePayload(std::span<char>& in) {
  const size_t bytes = std::min<uint64_t>(frame_bytes_left_, in.size());
  const std::span<char> part = in.first(bytes);
  in = in.subspan(bytes);
  frame_bytes_left_ -= bytes;
  Unmask(part, mask_key_);
  if (frame_bytes_left_ > 0) {
    std::rotate(mask_key_.begin(), mask_key_.begin() + bytes % 4, mask_key_.end());
  }
  return {part.data(), part.size()};
}

// The frame that has just ended is the last one of what `payload` is the whole of.
WsDecoder::Event WsDecoder::Deliver(std::string_view payload) {
  switch (first_byte_ & kOpcodeMask) {
    case kClose:
      return DeliverClose(payload);
    case kPing:
      return {.type = EventType::kPing, .data = payload};
    case kPong:
      return {.type = EventType::kPong, .data = payload};
    default: {
      const bool is_text = message_opcode_ == kText;
      message_opcode_ = 0;
      // What came in pieces has been checked, but for its end.
      const bool whole = payload.data() != message_.data();
      if (is_text && (whole ? !IsUtf8(payload) : unfinished_ != 0)) return Fail(WsFault::kBadUtf8);
      return {.type = is_text ? EventType::kText : EventType::kBinary, .data = payload};
    }
  }
}

WsDecoder::Event WsDecoder::DeliverClose(std::string_view payload) {
  Event event = {.type = EventType::kClose, .data = {}};
  if (!payload.empty()) {
    if (payload.size() < 2) return Fail(WsFault::kBadClosePayload);
    event.close_code = static_cast<uint16_t>(static_cast<uint8_t>(payload[0]) << 8 |
                                             static_cast<uint8_t>(payload[1]));
    event.data = payload.substr(2);
    if (!IsCloseCodeAllowed(event.close_code)) return Fail(WsFault::kBadClosePayload);
    if (!IsUtf8(event.data)) return Fail(WsFault::kBadUtf8);
  }
  phase_ = Phase::kClosed;
  message_opcode_ = 0;
  Release(message_);  // its end can no longer come
  return event;
}

WsDecoder::Event WsDecoder::Fail(WsFault fault) {
  phase_ = Phase::kFailed;
  fault_ = fault;
  Release(message_);
  Release(held_);
  return {.type = EventType::kError, .fault = fault, .data = {}};
}

void WsDecoder::ReleaseDelivered() {
  if (phase_ == Phase::kDelivered) phase_ = Phase::kHeader;
  if (message_opcode_ == 0) Release(message_);
  Release(held_);
}

}  // namespace cairn::wire
