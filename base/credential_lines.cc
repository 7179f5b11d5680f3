#include "base/credential_lines.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "base/text_file.h"

namespace cairn {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// A line end behind it is how `echo TOKEN` makes files.
std::string_view WithoutBlanks(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= CredentialLine::kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

CredentialLine CredentialLine::Parse(std::string_view line, int number) {
  line = WithoutBlanks(line);
  const size_t colon = line.find(':');
  const bool named = colon != line.npos && colon + 1 < line.size() &&
                     kBlanks.find(line[colon + 1]) != kBlanks.npos && IsName(line.substr(0, colon));
  if (!named) return {"", std::string(line), std::string(line), number};
  return {std::string(line.substr(0, colon)), std::string(WithoutBlanks(line.substr(colon + 1))),
          std::string(line), number};
}

absl::StatusOr<std::vector<CredentialLine>> CredentialLine::ReadFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  std::vector<CredentialLine> lines;
  std::string_view rest = *text;
  for (int number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (WithoutBlanks(line).empty()) continue;
    if (lines.size() == kMaxLines)
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' has more than ", kMaxLines, " lines"));
    lines.push_back(Parse(line, number));
  }
  return lines;
}

}  // namespace cairn
