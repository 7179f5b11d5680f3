#include "admin-cli/command_line/config_file.h"

#include <absl/status/status.h>
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/text_file.h"

namespace cairn::admin {
namespace {

absl::Status CannotRead(const std::string& path, size_t line) {
  return absl::InvalidArgumentError(fmt::format(
      "'{}' line {} cannot be read; write lines such as core = \"127.0.0.1:7443\"", path, line));
}

bool IsOptionName(std::string_view key) {
  return key.find_first_not_of("abcdefghijklmnopqrstuvwxyz-_") == key.npos;
}

// As the user would write it on the command line; nothing for what no option takes: a table, an
// array, a date, a string with control characters.
std::optional<std::string> ValueText(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    const bool printable = std::none_of(text->get().begin(), text->get().end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    return printable ? std::optional(text->get()) : std::nullopt;
  }
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  toml::table table;
  try {
    table = toml::parse(*text);
  } catch (const toml::parse_error& error) {
    return CannotRead(path, error.source().begin.line);
  }
  std::vector<ConfigEntry> entries;
  for (const auto& [key, node] : table) {
    const size_t line = key.source().begin.line;
    std::optional<std::string> value = ValueText(node);
    if (!IsOptionName(key.str()) || !value) return CannotRead(path, line);
    ConfigEntry entry{std::string(key.str()), *std::move(value), static_cast<int>(line)};
    std::replace(entry.key.begin(), entry.key.end(), '_', '-');
    entries.push_back(std::move(entry));
  }
  // toml::table sorts by key.
  std::sort(entries.begin(), entries.end(),
            [](const ConfigEntry& a, const ConfigEntry& b) { return a.line < b.line; });
  return entries;
}

std::string DefaultConfigPath() {
  const char* config_home = std::getenv("XDG_CONFIG_HOME");
  // A relative path must be ignored (XDG Base Directory Specification).
  if (config_home && *config_home == '/') return std::string(config_home) + "/cairn/admin.toml";
  const char* home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.config/cairn/admin.toml" : "";
}

}  // namespace cairn::admin
