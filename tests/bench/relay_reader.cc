#include "tests/bench/relay_reader.h"

#include <cstddef>
#include <cstdint>

namespace cairn::bench {
namespace {

bool TakeLiteral(std::string_view literal, std::string_view& in) {
  if (in.substr(0, literal.size()) != literal) return false;
  in.remove_prefix(literal.size());
  return true;
}

// A string of CBOR major type `major` (2: bytes, 3: text) whose length is written as shortly as it
// can be.
bool TakeShortest(uint8_t major, std::string_view& in, std::string_view& content) {
  if (in.empty() || static_cast<uint8_t>(in[0]) >> 5 != major) return false;
  const uint8_t info = static_cast<uint8_t>(in[0]) & 31;
  in.remove_prefix(1);
  uint64_t length = info;
  if (info >= 24) {
    if (info > 26) return false;
    const size_t width = size_t{1} << (info - 24);
    if (in.size() < width) return false;
    length = 0;
    for (size_t i = 0; i < width; ++i) length = length * 256 + static_cast<uint8_t>(in[i]);
    in.remove_prefix(width);
    const uint64_t least = width == 1 ? 24 : uint64_t{1} << (4 * width);
    if (length < least) return false;
  }
  if (in.size() < length) return false;
  content = in.substr(0, length);
  in.remove_prefix(length);
  return true;
}

}  // namespace

bool ReadRelay(std::string_view message, bool v2, ReceivedRelay& relay) {
  std::string_view from;
  return TakeLiteral("\xa1\x65Relay", message) && TakeLiteral(v2 ? "\xa3" : "\xa2", message) &&
         TakeLiteral("\x65topic", message) && TakeShortest(3, message, relay.topic) &&
         TakeLiteral("\x67payload", message) && TakeShortest(2, message, relay.payload) &&
         (!v2 || (TakeLiteral("\x64"
                              "from",
                              message) &&
                  TakeShortest(3, message, from))) &&
         message.empty();
}

bool ReadJoined(std::string_view message, std::string_view& topic, std::string_view& peer) {
  return TakeLiteral("\xa1\x66Joined\xa2\x65topic", message) && TakeShortest(3, message, topic) &&
         TakeLiteral("\x64peer", message) && TakeShortest(3, message, peer) && message.empty();
}

}  // namespace cairn::bench
