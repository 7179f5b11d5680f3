#include "proto/link/grpc_messages.h"

#include <algorithm>
#include <cstring>

namespace cairn::link {
namespace {

uint32_t Load32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

void Store32(char* into, uint32_t value) {
  for (int i = 3; i >= 0; --i, value >>= 8) into[i] = static_cast<char>(value & 0xff);
}

}  // namespace

void AppendGrpcMessage(const google::protobuf::MessageLite& message, std::string& into) {
  const size_t at = into.size();
  const size_t bytes = message.ByteSizeLong();
  into.resize(at + GrpcMessages::kPrefixBytes + bytes);
  into[at] = 0;  // not compressed
  Store32(into.data() + at + 1, static_cast<uint32_t>(bytes));
  message.SerializeWithCachedSizesToArray(
      reinterpret_cast<uint8_t*>(into.data() + at + GrpcMessages::kPrefixBytes));
}

std::optional<std::string_view> GrpcMessages::Next() {
  const std::string_view rest = std::string_view(bytes_).substr(taken_);
  if (rest.size() >= kPrefixBytes) {
    const size_t bytes = Load32(rest.data() + 1);
    if (rest[0] != 0) {
      fault_ = Fault::kCompressed;
    } else if (bytes > max_message_bytes_) {
      fault_ = Fault::kTooLong;
      fault_bytes_ = bytes;
    } else if (rest.size() - kPrefixBytes >= bytes) {
      taken_ += kPrefixBytes + bytes;
      return rest.substr(kPrefixBytes, bytes);
    }
  }
  bytes_.erase(0, taken_);
  taken_ = 0;
  return std::nullopt;
}

void GrpcMessages::ReleaseMemory() {
  if (bytes_.empty() && bytes_.capacity() > kKeptBytes) std::string().swap(bytes_);
}

void GrpcMessages::Clear() {
  std::string().swap(bytes_);
  taken_ = 0;
}

size_t OutgoingGrpcMessages::Take(uint8_t* into, size_t size) {
  const size_t bytes = std::min(size, bytes_.size() - taken_);
  if (bytes == 0) return 0;
  std::memcpy(into, bytes_.data() + taken_, bytes);
  taken_ += bytes;
  if (taken_ == bytes_.size()) {
    bytes_.clear();
    taken_ = 0;
  }
  return bytes;
}

}  // namespace cairn::link
