#include "tests/bench/stamp.h"

#include <cstring>

#include "base/check.h"

namespace cairn::bench {

StampCodec::StampCodec(size_t payload_bytes) {
  CAIRN_CHECK(payload_bytes >= kStampBytes);
  payload_.resize(payload_bytes);
  for (size_t i = kStampBytes; i < payload_bytes; ++i) payload_[i] = static_cast<char>(i * 37 + 11);
}

std::string_view StampCodec::Write(const Stamp& stamp) {
  char* at = payload_.data();
  at[0] = static_cast<char>(stamp.kind);
  std::memcpy(at + 1, &stamp.sender, 4);
  std::memcpy(at + 5, &stamp.number, 4);
  std::memcpy(at + 9, &stamp.time_ns, 8);
  return payload_;
}

bool StampCodec::Read(std::string_view payload, Stamp& stamp) const {
  if (payload.size() != payload_.size()) return false;
  if (payload.substr(kStampBytes) != std::string_view(payload_).substr(kStampBytes)) return false;
  stamp.kind = static_cast<StampKind>(payload[0]);
  std::memcpy(&stamp.sender, payload.data() + 1, 4);
  std::memcpy(&stamp.number, payload.data() + 5, 4);
  std::memcpy(&stamp.time_ns, payload.data() + 9, 8);
  return true;
}

}  // namespace cairn::bench
