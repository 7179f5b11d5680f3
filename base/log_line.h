// LogLine: formats an event and its fields, as "event key=value" or as members of a JSON object.
//
// Thread: any; no state.
// Bounds: 4 KiB for each value; a longer one is cut and ends with "…".
#ifndef CAIRN_BASE_LOG_LINE_H_
#define CAIRN_BASE_LOG_LINE_H_

#include <absl/strings/string_view.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace cairn::log {

class Value;
Value Text(std::string_view text);
Value Text(absl::string_view text);
Value Text(const std::string& text);
Value Text(const char* text);

// The value of a field. Refers to the text it was made from, which must live until the line is
// written.
class Value {
 public:
  // A word: a name, an address, a reason. The text form does not quote it unless a parser could not
  // read it back otherwise.
  Value(std::string_view word) : kind_(Kind::kWord), text_(word) {}
  Value(const std::string& word) : Value(std::string_view(word)) {}
  Value(const char* word) : Value(std::string_view(word)) {}
  Value(bool truth) : Value(truth ? std::string_view("true") : std::string_view("false")) {
    kind_ = Kind::kBare;
  }
  template <std::unsigned_integral T>
  Value(T number) : kind_(Kind::kUnsigned), unsigned_(number) {}
  template <std::signed_integral T>
  Value(T number) : kind_(Kind::kSigned), signed_(number) {}

  void AppendText(std::string& out) const;
  void AppendJson(std::string& out) const;

 private:
  enum class Kind : uint8_t { kWord, kText, kBare, kUnsigned, kSigned };

  friend Value Text(std::string_view text);

  Kind kind_;
  std::string_view text_;
  uint64_t unsigned_ = 0;
  int64_t signed_ = 0;
};

struct Field {
  // Not "ts", "level", "module" or "event".
  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

// `event key=value key="free text"`.
std::string LineAsText(std::string_view event, Fields fields);
// `"event":"…","key":…`, without the braces. Bytes that are not UTF-8 become U+FFFD.
std::string LineAsJson(std::string_view event, Fields fields);

// Free text: always quoted.
inline Value Text(std::string_view text) {
  Value value(text);
  value.kind_ = Value::Kind::kText;
  return value;
}
inline Value Text(absl::string_view text) {
  return Text(std::string_view(text.data(), text.size()));
}
inline Value Text(const std::string& text) { return Text(std::string_view(text)); }
inline Value Text(const char* text) { return Text(std::string_view(text)); }

}  // namespace cairn::log

#endif  // CAIRN_BASE_LOG_LINE_H_
