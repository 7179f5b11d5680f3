// Characters of UTF-8 text, and which of them must not reach a terminal or a log as they are.
//
// Pure.
// Thread: any.
#ifndef CAIRN_BASE_UNICODE_H_
#define CAIRN_BASE_UNICODE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn {

struct Character {
  char32_t code = 0;  // when it is not valid: the byte
  size_t size = 1;    // bytes
  bool valid = false;
};

// The first character of a text that is not empty (RFC 3629).
Character DecodeUtf8(std::string_view text);

// It could move a cursor, hide text or turn its direction: C0, DEL, C1, soft hyphen, zero-width and
// direction characters, line separators, tags.
bool IsUnsafe(char32_t code);

// As JSON writes it in ASCII: \u and four hex digits, or a pair of surrogates (RFC 8259 section 7).
void AppendJsonEscape(char32_t code, std::string& out);

}  // namespace cairn

#endif  // CAIRN_BASE_UNICODE_H_
