// CheckOptions: what must hold of the options of one process, beyond what one flag can say.
#ifndef CAIRN_SERVER_OPTION_CHECKS_H_
#define CAIRN_SERVER_OPTION_CHECKS_H_

#include <string>

#include "server/option_texts.h"
#include "server/options.h"

namespace cairn::server {

// Reads `texts` into `options`, and fills in the defaults that depend on other options or on this
// machine. Returns the first error, as one line for the operator; empty: none.
std::string CheckOptions(const OptionTexts& texts, Options& options);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPTION_CHECKS_H_
