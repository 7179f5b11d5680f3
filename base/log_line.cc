#include "base/log_line.h"

#include <charconv>
#include <cstddef>

#include "base/unicode.h"

namespace cairn::log {
namespace {

// Longer than any value of ours; the rest comes from clients.
constexpr size_t kMaxValueBytes = 4096;

template <typename Number>
void AppendNumber(Number number, std::string& out) {
  char digits[24];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end.ptr);
}

// Whether a parser that splits at spaces and "=" reads it back unchanged.
bool IsWord(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const char c = text[0];
    const Character next = DecodeUtf8(text);
    if (!next.valid || IsUnsafe(next.code) || c == ' ' || c == '"' || c == '\\') return false;
    text.remove_prefix(next.size);
  }
  return true;
}

// As JSON does. The text form quotes in the same way, so that no value can end its line.
void AppendQuoted(std::string_view text, std::string& out) {
  AppendJsonString(text.substr(0, kMaxValueBytes), out);
  if (text.size() > kMaxValueBytes) out.insert(out.size() - 1, "…");
}

}  // namespace

void Value::AppendText(std::string& out) const {
  switch (kind_) {
    case Kind::kWord:
      return text_.size() <= kMaxValueBytes && IsWord(text_) ? void(out.append(text_))
                                                             : AppendQuoted(text_, out);
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
