#include "base/log_line.h"

#include <charconv>
#include <cstddef>

namespace cairn::log {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool IsControl(unsigned char c) { return c < 0x20 || c == 0x7f; }

template <typename Number>
void AppendNumber(Number number, std::string& out) {
  char digits[24];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end.ptr);
}

// Length of the UTF-8 character at the front (RFC 3629 section 4); 0: it is none.
size_t CharacterLength(std::string_view text) {
  const auto at = [text](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&at](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && at(1) < 0xa0;
    const bool surrogate = lead == 0xed && at(1) > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && at(1) < 0x90;
    const bool too_high = lead == 0xf4 && at(1) > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

// What a reader who splits at spaces and "=" gets back as it was.
bool IsWord(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const char c = text[0];
    const size_t length = CharacterLength(text);
    if (length == 0 || IsControl(static_cast<unsigned char>(c)) || c == ' ' || c == '"' ||
        c == '\\') {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

// RFC 8259 section 7. The text form quotes in the same way, so that no value can end its line.
void AppendQuoted(std::string_view text, std::string& out) {
  out.push_back('"');
  while (!text.empty()) {
    const char c = text[0];
    const size_t length = CharacterLength(text);
    if (length == 0) {
      out.append(kReplacement);
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (IsControl(static_cast<unsigned char>(c))) {
      out.append("\\u00");
      out.push_back(kHexDigits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHexDigits[c & 0xf]);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out.push_back('"');
}

}  // namespace

void Value::AppendText(std::string& out) const {
  switch (kind_) {
    case Kind::kWord:
      return IsWord(text_) ? void(out.append(text_)) : AppendQuoted(text_, out);
    case Kind::kText:
      return AppendQuoted(text_, out);
    case Kind::kBare:
      out.append(text_);
      return;
    case Kind::kUnsigned:
      return AppendNumber(unsigned_, out);
    case Kind::kSigned:
      return AppendNumber(signed_, out);
  }
}

void Value::AppendJson(std::string& out) const {
  if (kind_ == Kind::kWord) return AppendQuoted(text_, out);
  AppendText(out);
}

std::string LineAsText(std::string_view event, Fields fields) {
  std::string line(event);
  for (const Field& field : fields) {
    line.push_back(' ');
    line.append(field.key);
    line.push_back('=');
    field.value.AppendText(line);
  }
  return line;
}

std::string LineAsJson(std::string_view event, Fields fields) {
  std::string line = "\"event\":";
  AppendQuoted(event, line);
  for (const Field& field : fields) {
    line.push_back(',');
    AppendQuoted(field.key, line);
    line.push_back(':');
    field.value.AppendJson(line);
  }
  return line;
}

}  // namespace cairn::log
