#include "admin-cli/secrets.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace cairn::admin {
namespace {

std::string_view FirstLine(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  text = text.substr(0, text.find('\n'));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
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
  // What a header can carry (RFC 9110 section 5.5; gRPC's metadata is ASCII).
  const bool sendable =
      std::all_of(result.begin(), result.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!sendable)
    return absl::InvalidArgumentError(
        fmt::format("--{}: a token has printable ASCII only", option));
  return result;
}

absl::StatusOr<std::string> LoadFile(std::string_view option, const std::string& path) {
  constexpr size_t kMostBytes = 1 << 20;
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostBytes + 1, '\0');
  if (!file || !(file.read(text.data(), static_cast<std::streamsize>(text.size())) || file.eof())) {
    return absl::InvalidArgumentError(fmt::format("--{}: cannot read '{}': {}", option, path,
                                                  errno ? std::strerror(errno) : "is it a file?"));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMostBytes) {
    return absl::InvalidArgumentError(fmt::format("--{}: '{}' is larger than 1 MiB", option, path));
  }
  return text;
}

}  // namespace cairn::admin
