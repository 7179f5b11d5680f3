#include "base/unicode.h"

namespace cairn {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

constexpr Range kUnsafe[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

void AppendUnit(char32_t unit, std::string& out) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(unit >> shift) & 0xf];
}

}  // namespace

Character DecodeUtf8(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {lead, 1, false};
  char32_t code = lead & (0xffu >> (size + 1));
  for (size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return {lead, 1, false};
    code = code << 6 | (byte(at) & 0x3fu);
  }
  const char32_t least = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    return {lead, 1, false};
  return {code, size, true};
}

bool IsUnsafe(char32_t code) {
  for (const Range& range : kUnsafe) {
    if (code <= range.last) return code >= range.first;
  }
  return false;
}

void AppendJsonEscape(char32_t code, std::string& out) {
  if (code < 0x10000) return AppendUnit(code, out);
  AppendUnit(0xd800 + ((code - 0x10000) >> 10), out);
  AppendUnit(0xdc00 + ((code - 0x10000) & 0x3ff), out);
}

}  // namespace cairn
