#include "core/nats_frames.h"

#include <absl/strings/numbers.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace cairn::core {
namespace {

using Frame = NatsFrames::Frame;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kInfo = "INFO ";
// The first line of the headers of what the server sends back for want of a subscriber.
constexpr std::string_view kNobodyStatus = "NATS/1.0 503";

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Up to the next blank, which it consumes too.
std::string_view TakeWord(std::string_view& text) {
  const size_t at = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return word;
}

bool ParseSize(std::string_view text, size_t& size) {
  uint32_t value = 0;
  if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &value)) return false;
  size = value;
  return true;
}

}  // namespace

std::span<char> NatsFrames::Room() {
  if (begin_ == end_) begin_ = end_ = 0;
  // The memory of a large message is given back.
  const size_t wanted = std::max(kReadBytes, needed_);
  const bool fits = size_ >= wanted && (size_ == kReadBytes || begin_ < end_);
  if (!fits || size_ - end_ < kReadBytes / 2) {
    const size_t kept = end_ - begin_;
    const size_t size = std::max(wanted, kept + kReadBytes / 2);
    if (size != size_) {
      auto memory = std::make_unique_for_overwrite<char[]>(size);
      if (kept > 0) std::memcpy(memory.get(), memory_.get() + begin_, kept);
      memory_ = std::move(memory);
      size_ = size;
    } else {
      std::memmove(memory_.get(), memory_.get() + begin_, kept);
    }
    begin_ = 0;
    end_ = kept;
  }
  return {memory_.get() + end_, size_ - end_};
}

std::optional<Frame> NatsFrames::Break() {
  broken_ = true;
  return std::nullopt;
}

std::optional<Frame> NatsFrames::Next() {
  while (!broken_) {
    const std::string_view bytes(memory_.get() + begin_, end_ - begin_);
    if (bytes.size() < needed_) return std::nullopt;
    const bool is_info = bytes.substr(0, kInfo.size()) == kInfo;
    const size_t most = is_info ? kMaxInfoBytes : kMaxLineBytes;
    const size_t line_end = bytes.substr(0, most).find(kLineEnd);
    if (line_end == std::string_view::npos) {
      if (bytes.size() >= most) return Break();
      return std::nullopt;
    }
    std::string_view line = bytes.substr(0, line_end);
    const size_t line_bytes = line_end + kLineEnd.size();
    if (TakePrefix(line, "MSG ")) return Message(line, false, line_bytes);
    if (TakePrefix(line, "HMSG ")) return Message(line, true, line_bytes);
    begin_ += line_bytes;
    if (line == "PING") return Frame{Frame::Kind::kPing, {}, {}};
    if (line == "PONG") return Frame{Frame::Kind::kPong, {}, {}};
    if (TakePrefix(line, kInfo)) return Frame{Frame::Kind::kInfo, {}, line};
    if (TakePrefix(line, "-ERR")) {
      while (!line.empty() && (line.front() == ' ' || line.front() == '\'')) line.remove_prefix(1);
      while (!line.empty() && (line.back() == ' ' || line.back() == '\'')) line.remove_suffix(1);
      return Frame{Frame::Kind::kError, {}, line};
    }
    if (line != "+OK") return Break();
  }
  return std::nullopt;
}

// "SUBJECT SID [REPLY] [HEADER-BYTES] BYTES", the headers, the payload, and the end of a line.
std::optional<Frame> NatsFrames::Message(std::string_view arguments, bool has_headers,
                                         size_t line_bytes) {
  std::array<std::string_view, 5> words;
  size_t count = 0;
  while (!arguments.empty() && count < words.size()) words[count++] = TakeWord(arguments);
  const size_t sizes = has_headers ? 2 : 1;
  if (!arguments.empty() || count < 2 + sizes || count > 3 + sizes) return Break();
  size_t headers = 0;
  size_t total = 0;
  const bool sized =
      ParseSize(words[count - 1], total) && (!has_headers || ParseSize(words[count - 2], headers));
  if (!sized || headers > total || total > max_message_bytes_) return Break();
  const size_t frame_bytes = line_bytes + total + kLineEnd.size();
  needed_ = frame_bytes;
  if (end_ - begin_ < frame_bytes) return std::nullopt;
  needed_ = 0;
  const std::string_view body(memory_.get() + begin_ + line_bytes, total);
  if (std::string_view(body.data() + total, kLineEnd.size()) != kLineEnd) return Break();
  begin_ += frame_bytes;
  const bool nobody =
      has_headers && headers == total && body.substr(0, kNobodyStatus.size()) == kNobodyStatus;
  return Frame{nobody ? Frame::Kind::kNobody : Frame::Kind::kMessage, words[0],
               body.substr(headers)};
}

}  // namespace cairn::core
