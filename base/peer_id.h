// Formats and parses ids of peers and cores: 16 lower-case hex digits.
#ifndef CAIRN_BASE_PEER_ID_H_
#define CAIRN_BASE_PEER_ID_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn {

std::string FormatId(uint64_t id);
// Accepts exactly what FormatId() returns.
std::optional<uint64_t> ParseId(std::string_view text);

}  // namespace cairn

#endif  // CAIRN_BASE_PEER_ID_H_
