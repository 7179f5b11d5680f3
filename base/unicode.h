// Decodes UTF-8, and tells which characters must not reach a terminal or a log unescaped.
//
// Thread: any; no state.
#ifndef CAIRN_BASE_UNICODE_H_
#define CAIRN_BASE_UNICODE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn {

struct Character {
  char32_t code = 0;  // the byte itself when it is invalid
  size_t size = 1;    // bytes
  bool valid = false;
};

// The first character of `text` (RFC 3629). REQUIRES: it is not empty.
Character DecodeUtf8(std::string_view text);

// Control, format (direction, zero width, tags, soft hyphen) and separator characters: they could
// move the cursor, hide text or change its direction.
bool IsUnsafe(char32_t code);

// Appends `text` in quotes (RFC 8259 section 7), on one line. Unsafe characters are escaped; each
// byte that is not UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace cairn

#endif  // CAIRN_BASE_UNICODE_H_
