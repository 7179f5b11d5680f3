#include "core/client_hello.h"

#include <cstddef>
#include <cstdint>

namespace cairn::core {
namespace {

constexpr uint64_t kHandshakeRecord = 22, kClientHello = 1, kAlpn = 16;
constexpr size_t kVersionAndRandom = 2 + 32;

// Takes fields from the front; one that is not there makes everything after it empty.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : left_(bytes) {}

  bool empty() const { return left_.empty(); }
  uint64_t Number(size_t bytes) {
    uint64_t value = 0;
    for (const char byte : Take(bytes)) value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  }
  // Behind a length of so many bytes.
  std::string_view Vector(size_t length_bytes) {
    if (left_.size() < length_bytes) return Take(length_bytes);
    return Take(Number(length_bytes));
  }
  std::string_view Take(size_t bytes) {
    if (bytes > left_.size()) {
      left_ = {};
      return {};
    }
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }

 private:
  std::string_view left_;
};

std::string_view Extension(std::string_view hello, uint64_t wanted) {
  Fields fields(hello);
  fields.Take(kVersionAndRandom);
  fields.Vector(1);  // session
  fields.Vector(2);  // cipher suites
  fields.Vector(1);  // compression methods
  Fields extensions(fields.Vector(2));
  while (!extensions.empty()) {
    const uint64_t type = extensions.Number(2);
    const std::string_view content = extensions.Vector(2);
    if (type == wanted) return content;
  }
  return {};
}

}  // namespace

bool OffersProtocol(std::string_view received, std::string_view protocol) {
  Fields record(received);
  if (record.Number(1) != kHandshakeRecord) return false;
  record.Take(2);  // version
  Fields handshake(record.Vector(2));
  if (handshake.Number(1) != kClientHello) return false;
  Fields names(Fields(Extension(handshake.Vector(3), kAlpn)).Vector(2));
  while (!names.empty()) {
    if (names.Vector(1) == protocol) return true;
  }
  return false;
}

}  // namespace cairn::core
