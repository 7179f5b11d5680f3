#include "server/options.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <cstring>
#include <iostream>
#include <string>
#include <string_view>

#include "server/option_checks.h"
#include "server/option_flags.h"
#include "server/option_texts.h"

namespace cairn::server {
namespace {

constexpr int kUsageError = 2;

// Overwrites the value of --auth-token in the arguments that the kernel shows.
void HideToken(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    char* value = nullptr;
    if (std::strcmp(argv[i], "--auth-token") == 0 && i + 1 < argc) value = argv[++i];
    if (std::strncmp(argv[i], "--auth-token=", 13) == 0) value = argv[i] + 13;
    if (value) std::memset(value, '*', std::strlen(value));
  }
}

ParseResult UsageError(const std::string& text) {
  std::cerr << "error: " << text
            << "\n\nUsage: cairn-signal [OPTIONS]\n\nFor more information, try '--help'.\n";
  return {std::nullopt, kUsageError};
}

// Refuses "--flag=" without a value, for which CLI11 would take the next argument:
// --auth-token="$UNSET" must be an error.
std::string EmptyValue(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      return absl::StrCat(argv[i], " has no value: give one, or leave the option out");
    }
  }
  return "";
}

}  // namespace

const char* Name(Role role) {
  switch (role) {
    case Role::kAll:
      return "all";
    case Role::kEdge:
      return "edge";
    case Role::kCore:
      return "core";
  }
  return "";
}

ParseResult ParseOptions(int argc, char** argv) {
  if (const std::string error = EmptyValue(argc, argv); !error.empty()) return UsageError(error);
  OptionTexts texts;
  Options options;
  const absl::StatusOr<bool> go_on = ParseFlags(argc, argv, texts, options);
  if (!go_on.ok()) return UsageError(std::string(go_on.status().message()));
  if (!*go_on) return {};
  HideToken(argc, argv);
  if (const std::string error = CheckOptions(texts, options); !error.empty())
    return UsageError(error);
  return {options, 0};
}

}  // namespace cairn::server
