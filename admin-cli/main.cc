#include <iostream>

#include "admin-cli/command_line/options.h"
#include "admin-cli/commands/run.h"

int main(int argc, char** argv) {
  const cairn::admin::ParseResult parsed =
      cairn::admin::ParseOptions(argc, argv, std::cout, std::cerr);
  if (!parsed.options) return parsed.exit_code;
  return cairn::admin::Run(*parsed.options);
}
