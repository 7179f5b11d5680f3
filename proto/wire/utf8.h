// UTF-8 validation (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#ifndef CAIRN_PROTO_WIRE_UTF8_H_
#define CAIRN_PROTO_WIRE_UTF8_H_

#include <string_view>

namespace cairn::wire {

bool IsUtf8(std::string_view text);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_UTF8_H_
