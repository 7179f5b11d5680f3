// The configuration file: default values of options, in TOML.
//
// Form:   `key = value`, where the value is a string, a number, true or false. A key is an option's
//         name without the leading dashes; '-' and '_' are the same in it. No tables.
// Errors: INVALID_ARGUMENT with file and line; NOT_FOUND when there is no such file.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_CONFIG_FILE_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_CONFIG_FILE_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace cairn::admin {

struct ConfigEntry {
  std::string key;  // with '-' for '_'
  std::string value;
  int line = 0;
};

absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path);

// $XDG_CONFIG_HOME/cairn/admin.toml, else ~/.config/cairn/admin.toml; "" without a home.
std::string DefaultConfigPath();

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_CONFIG_FILE_H_
