// Screen: takes over the whole terminal for a program that redraws it and reads single keys.
//
// The terminal is restored by the destructor, and while the process is stopped with Ctrl-Z. "q" is
// made the terminal's quit character (SIGQUIT), so that it also ends a call to a core that does not
// answer.
//
// Owner:  at most one in a process (it handles SIGTSTP, SIGCONT and SIGWINCH).
// Thread: one.
#ifndef CAIRN_ADMIN_CLI_PRINTING_SCREEN_H_
#define CAIRN_ADMIN_CLI_PRINTING_SCREEN_H_

#include <absl/time/time.h>
#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

#include "admin-cli/printing/terminal.h"

namespace cairn::admin {

class Screen {
 public:
  // REQUIRES: stdin and stdout are terminals.
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  TerminalSize size() const;
  // Shows lines, each at most as wide as the terminal; everything below them is erased.
  void Draw(std::string_view lines);
  // The next key, or nothing when the time is up, or earlier when the screen must be redrawn.
  std::optional<char> WaitForKey(absl::Duration timeout);

 private:
  void Enter();
  void Leave();
  void StopUntilContinued();

  termios before_ = {};
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_SCREEN_H_
