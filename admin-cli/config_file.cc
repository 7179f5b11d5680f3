#include "admin-cli/config_file.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

namespace cairn::admin {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// Whether nothing but a comment follows a value.
bool IsEnd(std::string_view text) {
  text = Trim(text);
  return text.empty() || text.front() == '#';
}

bool ReadQuoted(std::string_view text, std::string& value) {
  const char quote = text.front();
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == quote) return IsEnd(text.substr(at + 1));
    // In '...' a backslash is a backslash.
    if (text[at] == '\\' && quote == '"') {
      ++at;
      if (at == text.size() || (text[at] != '"' && text[at] != '\\')) return false;
    }
    value += text[at];
  }
  return false;
}

bool ReadValue(std::string_view text, std::string& value) {
  if (text.empty()) return false;
  if (text.front() == '"' || text.front() == '\'') return ReadQuoted(text, value);
  const std::string_view bare = Trim(text.substr(0, text.find('#')));
  value = std::string(bare);
  const bool is_number = !bare.empty() && bare.find_first_not_of("0123456789.") == bare.npos;
  return is_number || bare == "true" || bare == "false";
}

bool ReadEntry(std::string_view line, ConfigEntry& entry) {
  const size_t equals = line.find('=');
  if (equals == line.npos) return false;
  const std::string_view key = Trim(line.substr(0, equals));
  constexpr std::string_view kKeyCharacters = "abcdefghijklmnopqrstuvwxyz-_";
  if (key.empty() || key.find_first_not_of(kKeyCharacters) != key.npos) return false;
  entry.key = std::string(key);
  std::replace(entry.key.begin(), entry.key.end(), '_', '-');
  return ReadValue(Trim(line.substr(equals + 1)), entry.value);
}

}  // namespace

absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    const int error = errno;
    const std::string text = fmt::format("cannot read '{}': {}", path, std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(text) : absl::InvalidArgumentError(text);
  }
  std::vector<ConfigEntry> entries;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (IsEnd(line)) continue;
    ConfigEntry entry;
    entry.line = number;
    if (!ReadEntry(line, entry)) {
      return absl::InvalidArgumentError(
          fmt::format("'{}' line {} cannot be read; write lines such as core = \"127.0.0.1:7443\"",
                      path, number));
    }
    entries.push_back(std::move(entry));
  }
  if (file.bad())
    return absl::InvalidArgumentError(fmt::format("cannot read '{}': is it a file?", path));
  return entries;
}

std::string DefaultConfigPath() {
  const char* config_home = std::getenv("XDG_CONFIG_HOME");
  // A relative path is to be ignored (XDG Base Directory Specification).
  if (config_home && *config_home == '/') return std::string(config_home) + "/cairn/admin.toml";
  const char* home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.config/cairn/admin.toml" : "";
}

}  // namespace cairn::admin
