// Properties of the terminal on stdout: its size, colours and width.
#ifndef CAIRN_ADMIN_CLI_PRINTING_TERMINAL_H_
#define CAIRN_ADMIN_CLI_PRINTING_TERMINAL_H_

#include <cstddef>
#include <optional>

#include "admin-cli/printing/output_options.h"
#include "admin-cli/printing/table.h"

namespace cairn::admin {

struct TerminalSize {
  size_t columns = 80;
  size_t rows = 24;
};

// Nothing if `fd` is not a terminal.
std::optional<TerminalSize> SizeOfTerminal(int fd);

// Colours only on a terminal that supports them, and unless NO_COLOR is set (no-color.org); a width
// only on a terminal.
Style StyleFor(const OutputOptions& options, int fd);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_TERMINAL_H_
