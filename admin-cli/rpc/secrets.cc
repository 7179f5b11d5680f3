#include "admin-cli/rpc/secrets.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text_file.h"

namespace cairn::admin {
namespace {

// The first line that is not blank, stripped.
absl::string_view FirstLine(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  return absl::StripTrailingAsciiWhitespace(text.substr(0, text.find('\n')));
}

}  // namespace

absl::StatusOr<std::string> LoadToken(std::string_view option, const std::string& token,
                                      const std::string& file) {
  std::string result = token;
  if (!file.empty()) {
    const absl::StatusOr<std::string> text = LoadFile(fmt::format("{}-file", option), file);
    if (!text.ok()) return text.status();
    result = std::string(FirstLine(*text));
    if (result.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("--{}-file: '{}' has no token; write it on a line", option, file));
    }
  }
  // Characters that a header can carry (RFC 9110 section 5.5; gRPC's metadata is ASCII).
  const bool sendable =
      std::all_of(result.begin(), result.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!sendable)
    return absl::InvalidArgumentError(
        fmt::format("--{}: a token has printable ASCII only", option));
  return result;
}

absl::StatusOr<std::string> LoadFile(std::string_view option, const std::string& path) {
  if (path.empty()) return std::string();
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("--{}: {}", option, std::string(text.status().message())));
  }
  return text;
}

}  // namespace cairn::admin
