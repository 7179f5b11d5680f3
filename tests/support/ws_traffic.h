// WsTraffic: random WebSocket frames of a client, valid and invalid, in one stream of bytes.
#ifndef CAIRN_TESTS_SUPPORT_WS_TRAFFIC_H_
#define CAIRN_TESTS_SUPPORT_WS_TRAFFIC_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/ws_first_byte.h"

namespace cairn::wire {

// Frames are masked with random keys.
class WsTraffic {
 public:
  explicit WsTraffic(uint64_t seed) : random_(seed) {}

  const std::string& bytes() const { return bytes_; }
  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }

  // `length_bytes`: 1, 3 or 9, and 0 for the shortest form.
  void Header(unsigned first_byte, uint64_t length, size_t length_bytes = 0) {
    if (length_bytes == 0) length_bytes = length < 126 ? 1 : length < 65536 ? 3 : 9;
    Append(first_byte, 1);
    Append(0x80 | (length_bytes == 1 ? length : length_bytes == 3 ? 126u : 127u), 1);
    if (length_bytes > 1) Append(length, length_bytes - 1);
    for (char& c : key_) c = static_cast<char>(Below(256));
    bytes_.append(key_, sizeof(key_));
  }

  void Frame(unsigned first_byte, const std::string& payload, size_t length_bytes = 0) {
    Header(first_byte, payload.size(), length_bytes);
    for (size_t i = 0; i < payload.size(); ++i)
      bytes_.push_back(static_cast<char>(payload[i] ^ key_[i % 4]));
  }

  void Raw(std::string_view bytes) { bytes_ += bytes; }

  void Control() {
    constexpr size_t kSizes[] = {0, 4, 125};
    Frame(kFin | (Below(2) == 0 ? kPing : kPong), Blob(kSizes[Below(3)]));
  }

  // In one to four fragments, some of them empty, cut anywhere, with control frames between them.
  void Message() {
    constexpr size_t kSizes[] = {0, 1, 5, 60, 125, 126, 700, 65535, 65536};
    const size_t size = kSizes[Below(20) == 0 ? Below(9) : Below(6)];
    unsigned opcode = Below(2) == 0 ? kText : kBinary;
    std::string rest = opcode == kText ? Characters(size) : Blob(size);
    for (size_t fragments = Below(4); fragments > 0; --fragments) {
      const size_t bytes = Below(rest.size() + 1);
      Frame(opcode, rest.substr(0, bytes));
      rest.erase(0, bytes);
      opcode = kContinuation;
      if (Below(3) == 0) Control();
    }
    Frame(kFin | opcode, rest);
  }

  void Messages() {
    for (size_t left = Below(5); left > 0; --left) Below(4) == 0 ? Control() : Message();
  }

 private:
  void Append(uint64_t value, size_t bytes) {
    for (size_t i = bytes; i > 0; --i) bytes_.push_back(static_cast<char>(value >> (8 * (i - 1))));
  }

  std::string Blob(size_t bytes) {
    std::string out(bytes, '\0');
    for (char& c : out) c = static_cast<char>(Below(256));
    return out;
  }

  std::string Characters(size_t bytes) {
    const std::string kCharacters[] = {"a",
                                       "\x7F",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    std::string out;
    while (out.size() < bytes) {
      const std::string& next = kCharacters[Below(2) == 0 ? Below(9) : 0];
      out += out.size() + next.size() <= bytes ? next : "z";
    }
    return out;
  }

  std::mt19937_64 random_;
  std::string bytes_;
  char key_[4] = {};
};

}  // namespace cairn::wire

#endif  // CAIRN_TESTS_SUPPORT_WS_TRAFFIC_H_
