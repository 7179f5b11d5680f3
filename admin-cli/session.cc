#include "admin-cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <istream>
#include <ostream>
#include <sstream>

#include "admin-cli/failure.h"
#include "admin-cli/humane.h"
#include "admin-cli/interrupt.h"
#include "admin-cli/json_lines.h"
#include "admin-cli/printable.h"
#include "admin-cli/terminal.h"

namespace cairn::admin {
namespace {

// Lines that fit the screen, each written over what stood there before.
void Redraw(Session& session, const std::string& text, absl::Duration every) {
  const TerminalSize size = SizeOfTerminal(STDOUT_FILENO).value_or(TerminalSize());
  const std::string heading =
      fmt::format("every {}, last at {}; Ctrl-C quits", HumaneDuration(every),
                  HumaneClock(session.now()).substr(0, 8));
  // Erased before it is written: after the last column the cursor still stands on it. No wrapping
  // meanwhile.
  std::string screen =
      "\x1b[?7l\x1b[H\x1b[K" + Paint(heading, Tone::kFaint, session.style) + "\r\n";
  size_t rows = 1;
  std::istringstream lines(text);
  for (std::string line; rows + 1 < size.rows && std::getline(lines, line); ++rows)
    screen += "\x1b[K" + line + "\r\n";
  *session.out << screen << "\x1b[J\x1b[?7h" << std::flush;
}

}  // namespace

void Session::PrintJson(const google::protobuf::Message& message) {
  *out << ToJson(message) << "\n";
}

int Session::Fail(const absl::Status& status, std::string_view not_found) {
  // Being interrupted is how live commands end.
  if (absl::IsCancelled(status) && Interrupted()) return kOk;
  if (absl::IsNotFound(status) && !not_found.empty()) return Fail(kNothingMatched, not_found);
  const Failure failure = Explain(status, options.connection.core);
  return Fail(failure.exit_code, failure.text);
}

int Session::Fail(int exit_code, std::string_view text) {
  out->flush();
  err << "cairn-admin: " << Printable(text) << "\n";
  return exit_code;
}

int Session::Confirm(std::string_view question) {
  if (!can_ask) return Fail(kBadUsage, fmt::format("{} Say --yes if so", question));
  err << Printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return kOk;
  return Fail(kNothingMatched, "nothing was done");
}

int Repeat(Session& session, absl::Duration every, const std::function<int(Session&)>& once) {
  if (every <= absl::ZeroDuration()) return once(session);
  CatchInterrupts();
  const bool redraw = session.on_terminal && !session.json();
  if (redraw) *session.out << "\x1b[H\x1b[2J";
  for (bool first = true; !Interrupted(); first = false) {
    std::ostringstream buffer;
    Session buffered = session;
    buffered.out = &buffer;
    if (redraw) buffered.style = StyleFor(session.options.output, STDOUT_FILENO);
    const int code = once(buffered);
    if (Interrupted()) break;
    if (redraw) {
      Redraw(session, buffer.str(), every);
    } else {
      if (!first && !session.json()) *session.out << "\n";
      *session.out << buffer.str() << std::flush;
    }
    if (code != kOk) return code;
    SleepUnlessInterrupted(every);
  }
  return kOk;
}

}  // namespace cairn::admin
