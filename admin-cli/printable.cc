#include "admin-cli/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/unicode.h"

namespace cairn::admin {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

template <size_t N>
bool IsIn(char32_t code, const Range (&ranges)[N]) {
  const Range* range =
      std::lower_bound(std::begin(ranges), std::end(ranges), code,
                       [](const Range& one, char32_t value) { return one.last < value; });
  return range != std::end(ranges) && range->first <= code;
}

// The blocks of combining marks in everyday use.
constexpr Range kZeroWidth[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
// Unicode's East Asian Width W and F, by block.
constexpr Range kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
                           {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
                           {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                           {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                           {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};

size_t WidthOf(char32_t code) {
  if (code < 0x300) return 1;
  if (IsIn(code, kZeroWidth)) return 0;
  return IsIn(code, kWide) ? 2 : 1;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character next = DecodeUtf8(text);
    if (!next.valid || (next.code < 0x100 && IsUnsafe(next.code))) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(next.code));
    } else if (IsUnsafe(next.code)) {
      out += fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(next.code));
    } else {
      out += text.substr(0, next.size);
    }
    text.remove_prefix(next.size);
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Character next = DecodeUtf8(text);
    width += WidthOf(next.code);
    text.remove_prefix(next.size);
  }
  return width;
}

std::string CutToWidth(std::string_view text, size_t width, std::string_view mark) {
  if (DisplayWidth(text) <= width) return std::string(text);
  const size_t mark_width = DisplayWidth(mark);
  if (width < mark_width) return "";
  size_t used = 0;
  size_t bytes = 0;
  while (bytes < text.size()) {
    const Character next = DecodeUtf8(text.substr(bytes));
    if (used + WidthOf(next.code) > width - mark_width) break;
    used += WidthOf(next.code);
    bytes += next.size;
  }
  return std::string(text.substr(0, bytes)) + std::string(mark);
}

}  // namespace cairn::admin
