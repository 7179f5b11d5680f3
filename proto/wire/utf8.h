// UTF-8 validation (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#ifndef CAIRN_PROTO_WIRE_UTF8_H_
#define CAIRN_PROTO_WIRE_UTF8_H_

#include <cstddef>
#include <optional>
#include <string_view>

namespace cairn::wire {

bool IsUtf8(std::string_view text);

// Of text that may go on: how many bytes at its end (0 to 3) begin a character that is not there
// whole. Nothing when no continuation could make it UTF-8.
std::optional<size_t> UnfinishedUtf8(std::string_view text);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_UTF8_H_
