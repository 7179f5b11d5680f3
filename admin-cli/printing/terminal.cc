#include "admin-cli/printing/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>

namespace cairn::admin {
namespace {

bool HasText(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

bool IsUtf8Locale() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

}  // namespace

std::optional<TerminalSize> SizeOfTerminal(int fd) {
  if (!isatty(fd)) return std::nullopt;
  TerminalSize size;
  winsize window = {};
  // A serial line reports no size.
  if (ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) {
    size.columns = window.ws_col;
    size.rows = window.ws_row;
  }
  return size;
}

Style StyleFor(const OutputOptions& options, int fd) {
  Style style;
  const std::optional<TerminalSize> size = SizeOfTerminal(fd);
  if (!size) return style;
  const char* terminal = std::getenv("TERM");
  const bool dumb = !terminal || std::strcmp(terminal, "dumb") == 0;
  style.colour = !options.no_color && !dumb && !HasText("NO_COLOR");
  if (!options.wide) style.width = size->columns;
  if (IsUtf8Locale()) style.cut_mark = "…";
  return style;
}

}  // namespace cairn::admin
