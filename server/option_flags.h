// ParseFlags: every flag of cairn-signal, with its variable, its default and its line in --help.
#ifndef CAIRN_SERVER_OPTION_FLAGS_H_
#define CAIRN_SERVER_OPTION_FLAGS_H_

#include <absl/status/statusor.h>

#include "server/option_texts.h"
#include "server/options.h"

namespace cairn::server {

// Sets what is given: in `options`, or in `texts` if CheckOptions() has to read it. False: help or
// the version was asked for, and has been printed. INVALID_ARGUMENT says which argument is wrong.
absl::StatusOr<bool> ParseFlags(int argc, char** argv, OptionTexts& texts, Options& options);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPTION_FLAGS_H_
