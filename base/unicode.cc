#include "base/unicode.h"

#include <utf8proc.h>

namespace cairn {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

void AppendUnit(char32_t unit, std::string& out) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(unit >> shift) & 0xf];
}

// \u and four hex digits, or a pair of surrogates.
void AppendEscape(char32_t code, std::string& out) {
  if (code < 0x10000) return AppendUnit(code, out);
  AppendUnit(0xd800 + ((code - 0x10000) >> 10), out);
  AppendUnit(0xdc00 + ((code - 0x10000) & 0x3ff), out);
}

}  // namespace

Character DecodeUtf8(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1, true};
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t size =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (size <= 0) return {first, 1, false};
  return {static_cast<char32_t>(code), static_cast<size_t>(size), true};
}

bool IsUnsafe(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_CC:  // control characters
    case UTF8PROC_CATEGORY_CF:  // directions, zero width, tags, soft hyphen
    case UTF8PROC_CATEGORY_ZL:  // line separator
    case UTF8PROC_CATEGORY_ZP:  // paragraph separator
      return true;
    case UTF8PROC_CATEGORY_CN:
      // Of the unassigned ones, those that terminals ignore (Default_Ignorable_Code_Point).
      return code == 0x2065 || (code >= 0xfff0 && code <= 0xfff8) ||
             (code >= 0xe0000 && code <= 0xe0fff);
    default:
      return false;
  }
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const Character next = DecodeUtf8(text);
    if (!next.valid) {
      out += kReplacement;
    } else if (next.code == '"' || next.code == '\\') {
      out += '\\';
      out += text[0];
    } else if (next.code == '\n') {
      out += "\\n";
    } else if (IsUnsafe(next.code)) {
      AppendEscape(next.code, out);
    } else {
      out += text.substr(0, next.size);
    }
    text.remove_prefix(next.size);
  }
  out += '"';
}

}  // namespace cairn
