// Fallbacks: values of options that were not on the command line, taken from the environment and
// the configuration file.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_FALLBACKS_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_FALLBACKS_H_

#include <absl/status/statusor.h>

#include <map>
#include <string>

#include "admin-cli/command_line/flags.h"

namespace cairn::admin {

// Where the value of an option came from; a later enumerator wins.
enum class Source { kNone, kFile, kEnvironment, kCommandLine };

// By the option's name without dashes; options with their default values are absent.
using Sources = std::map<std::string, Source>;

// `config_path`: the value of --config, or "". Errors name the variable, or the file and line.
absl::StatusOr<Sources> ApplyFallbacks(const FlagBook& book, const std::string& config_path);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_FALLBACKS_H_
