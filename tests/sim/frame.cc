#include "tests/sim/frame.h"

#include <cstddef>

namespace cairn::sim {
namespace {

// Reads a frame or an item; `ok` is false once something did not fit.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  uint64_t Number(int bytes) {
    uint64_t value = 0;
    for (; bytes > 0; --bytes) value = value << 8 | Byte();
    return value;
  }
  uint8_t Byte() {
    if (at_ >= bytes_.size()) ok_ = false;
    return ok_ ? static_cast<uint8_t>(bytes_[at_++]) : 0;
  }
  std::string_view Take(uint64_t size) {
    if (size > bytes_.size() - at_) ok_ = false;
    if (!ok_) return {};
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::string_view Rest() { return bytes_.substr(at_); }
  // Head of a CBOR item: its major type, and its argument.
  uint8_t Head(uint64_t& argument) {
    const uint8_t first = Byte();
    const uint8_t low = first & 0x1f;
    argument = low < 24 ? low : Number(1 << (low - 24));
    return static_cast<uint8_t>(first >> 5);
  }
  std::string_view String() {
    uint64_t size = 0;
    const uint8_t type = Head(size);
    if (type != 2 && type != 3) ok_ = false;
    return Take(size);
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

void ReadField(Cursor& cursor, Frame& frame) {
  const std::string_view key = cursor.String();
  if (key == "topic") {
    frame.topic = cursor.String();
  } else if (key == "payload") {
    frame.payload = cursor.String();
  } else if (key == "from" || key == "peer") {
    frame.peer = cursor.String();
  } else {
    uint64_t number = 0;
    cursor.Head(number);
    (key == "reached" ? frame.reached : frame.number) = number;
  }
}

Frame ReadCbor(std::string_view message) {
  Cursor cursor(message);
  Frame frame;
  uint64_t fields = 0;
  cursor.Head(fields);
  const std::string_view name = cursor.String();
  cursor.Head(fields);
  for (; cursor.ok() && fields > 0; --fields) ReadField(cursor, frame);
  if (!cursor.ok()) return {};
  frame.name = name;
  return frame;
}

// Topics here have no characters that JSON escapes.
Frame ReadResult(std::string_view text) {
  constexpr std::string_view kTopic = "\"topic\":\"";
  const size_t at = text.find(kTopic);
  if (text.find("\"result\"") == std::string_view::npos || at == std::string_view::npos) return {};
  Frame frame;
  frame.name = "result";
  frame.payload = text;
  frame.topic = text.substr(at + kTopic.size());
  frame.topic = frame.topic.substr(0, frame.topic.find('"'));
  return frame;
}

}  // namespace

Frame ReadFrame(std::string_view frame) {
  Cursor cursor(frame);
  const uint8_t opcode = cursor.Byte() & 0x0f;
  const uint8_t length = cursor.Byte();
  if (length == 126) cursor.Number(2);
  if (length == 127) cursor.Number(8);
  if (!cursor.ok()) return {};
  return opcode == 1 ? ReadResult(cursor.Rest()) : ReadCbor(cursor.Rest());
}

}  // namespace cairn::sim
