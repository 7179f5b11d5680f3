#include "admin-cli/printing/printable.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include "base/unicode.h"

namespace cairn::admin {
namespace {

size_t WidthOf(char32_t code) {
  return static_cast<size_t>(utf8proc_charwidth(static_cast<utf8proc_int32_t>(code)));
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
