#include "admin-cli/command_line/fallbacks.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include <cstdlib>

#include "admin-cli/command_line/config_file.h"

namespace cairn::admin {
namespace {

const std::string& NameOf(const FlagBook::Fallback& fallback) {
  return fallback.option->get_lnames().front();
}

absl::Status ApplyEntry(const FlagBook& book, const ConfigEntry& entry, Sources& sources) {
  for (const FlagBook::Fallback& fallback : book.fallbacks) {
    if (NameOf(fallback) != entry.key) continue;
    if (sources[entry.key] > Source::kFile) return absl::OkStatus();
    sources[entry.key] = Source::kFile;
    return fallback.set(entry.value);
  }
  return absl::InvalidArgumentError("there is no such option");
}

absl::Status ApplyFile(const FlagBook& book, const std::string& path, Sources& sources) {
  const absl::StatusOr<std::vector<ConfigEntry>> entries = ReadConfigFile(path);
  if (!entries.ok()) return entries.status();
  for (const ConfigEntry& entry : *entries) {
    if (const absl::Status status = ApplyEntry(book, entry, sources); !status.ok()) {
      return absl::InvalidArgumentError(fmt::format("'{}' line {}: {}: {}", path, entry.line,
                                                    entry.key, std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyEnvironment(const FlagBook& book, Sources& sources) {
  for (const FlagBook::Fallback& fallback : book.fallbacks) {
    const std::string name = NameOf(fallback);
    if (fallback.option->count() > 0) {
      sources[name] = Source::kCommandLine;
      continue;
    }
    const std::string variable =
        "CAIRN_ADMIN_" + absl::StrReplaceAll(absl::AsciiStrToUpper(name), {{"-", "_"}});
    const char* value = std::getenv(variable.c_str());
    if (!value) continue;
    sources[name] = Source::kEnvironment;
    if (const absl::Status status = fallback.set(value); !status.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {}", variable, std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Sources> ApplyFallbacks(const FlagBook& book, const std::string& config_path) {
  Sources sources;
  if (absl::Status status = ApplyEnvironment(book, sources); !status.ok()) return status;
  const char* variable = std::getenv("CAIRN_ADMIN_CONFIG");
  if (config_path.empty() && variable && !*variable) {
    return absl::InvalidArgumentError(
        "CAIRN_ADMIN_CONFIG: it is empty: give a value, or leave it out");
  }
  const std::string named = !config_path.empty() ? config_path : variable ? variable : "";
  const std::string path = !named.empty() ? named : DefaultConfigPath();
  if (path.empty()) return sources;
  const absl::Status status = ApplyFile(book, path, sources);
  // The default file need not exist.
  if (!status.ok() && !(named.empty() && absl::IsNotFound(status))) return status;
  return sources;
}

}  // namespace cairn::admin
