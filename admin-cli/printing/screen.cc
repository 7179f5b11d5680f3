#include "admin-cli/printing/screen.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace cairn::admin {
namespace {

// xterm's private modes: alternate screen, cursor, wrapping at the right edge.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

volatile std::sig_atomic_t stop_asked = 0;

void OnStop(int) { stop_asked = 1; }
// Has a handler only so that poll() returns.
void OnResize(int) {}

void Handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

void Write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

Screen::Screen() {
  tcgetattr(STDIN_FILENO, &before_);
  Handle(SIGTSTP, OnStop);
  Handle(SIGWINCH, OnResize);
  Enter();
}

Screen::~Screen() {
  Leave();
  Handle(SIGTSTP, SIG_DFL);
  Handle(SIGWINCH, SIG_DFL);
}

void Screen::Enter() {
  termios keys = before_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  keys.c_cc[VQUIT] = 'q';
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
  Write(kEnter);
}

void Screen::Leave() {
  Write(kLeave);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

void Screen::StopUntilContinued() {
  Leave();
  // SIGSTOP cannot be caught: execution continues here after SIGCONT.
  raise(SIGSTOP);
  Enter();
}

TerminalSize Screen::size() const { return SizeOfTerminal(STDOUT_FILENO).value_or(TerminalSize()); }

void Screen::Draw(std::string_view lines) {
  // In one write, each line erased before it is written, so that nothing flickers.
  std::string text = "\x1b[H";
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    text += "\x1b[K";
    text += lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!lines.empty()) text += "\r\n";
  }
  // Erases from the next line on, if there is one: in the last column, erasing would remove that
  // character too.
  const size_t rows = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (rows < size().rows) text += "\r\n\x1b[J";
  Write(text);
}

std::optional<char> Screen::WaitForKey(absl::Duration timeout) {
  pollfd keyboard = {STDIN_FILENO, POLLIN, 0};
  const absl::Duration wait = std::max(timeout, absl::ZeroDuration());
  const int ready = poll(&keyboard, 1, static_cast<int>(absl::ToInt64Milliseconds(wait)));
  if (std::exchange(stop_asked, 0)) StopUntilContinued();
  char key = 0;
  if (ready <= 0) return std::nullopt;
  // The terminal was closed: treat it as a request to quit.
  if (read(STDIN_FILENO, &key, 1) != 1) return 'q';
  return key;
}

}  // namespace cairn::admin
