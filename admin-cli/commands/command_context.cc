#include "admin-cli/commands/command_context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <istream>
#include <ostream>
#include <sstream>

#include "admin-cli/commands/failure.h"
#include "admin-cli/commands/interrupt.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/json_lines.h"
#include "admin-cli/printing/printable.h"
#include "admin-cli/printing/terminal.h"

namespace cairn::admin {
namespace {

// Prints as many lines as fit on the screen, each over the line that was there before.
void Redraw(CommandContext& context, const std::string& text, absl::Duration every) {
  const TerminalSize size = SizeOfTerminal(STDOUT_FILENO).value_or(TerminalSize());
  const std::string heading =
      fmt::format("every {}, last at {}; Ctrl-C quits", HumaneDuration(every),
                  HumaneClock(context.now()).substr(0, 8));
  // Each line is erased before it is written: after a line of full width the cursor is still in the
  // last column, and erasing would remove that character. Wrapping is off meanwhile.
  std::string screen =
      "\x1b[?7l\x1b[H\x1b[K" + Paint(heading, Tone::kFaint, context.style) + "\r\n";
  size_t rows = 1;
  std::istringstream lines(text);
  for (std::string line; rows + 1 < size.rows && std::getline(lines, line); ++rows)
    screen += "\x1b[K" + line + "\r\n";
  *context.out << screen << "\x1b[J\x1b[?7h" << std::flush;
}

}  // namespace

void CommandContext::PrintJson(const google::protobuf::Message& message) {
  *out << ToJson(message) << "\n";
}

int CommandContext::Fail(const absl::Status& status, std::string_view not_found) {
  // Live commands end when they are interrupted.
  if (absl::IsCancelled(status) && Interrupted()) return kOk;
  if (absl::IsNotFound(status) && !not_found.empty()) return Fail(kNothingMatched, not_found);
  const Failure failure = Explain(status, options.connection);
  return Fail(failure.exit_code, failure.text);
}

int CommandContext::Fail(int exit_code, std::string_view text) {
  out->flush();
  err << "cairn-admin: " << Printable(text) << "\n";
  return exit_code;
}

int CommandContext::Confirm(std::string_view question) {
  if (!can_ask) return Fail(kBadUsage, fmt::format("{} Say --yes if so", question));
  err << Printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return kOk;
  return Fail(kNothingMatched, "nothing was done");
}

int WithMissing(CommandContext& context, int code) {
  const std::vector<std::string> missing = context.client.missing();
  if (missing.empty()) return code;
  // An error says more, but that nothing matched is not certain.
  const bool is_answer = code == kOk || code == kNothingMatched;
  return context.Fail(
      is_answer ? kIncomplete : code,
      fmt::format("this is without core {}, which did not answer", fmt::join(missing, ", ")));
}

int Repeat(CommandContext& context, absl::Duration every,
           const std::function<int(CommandContext&)>& once) {
  if (every <= absl::ZeroDuration()) return once(context);
  CatchInterrupts();
  const bool redraw = context.on_terminal && !context.json();
  if (redraw) *context.out << "\x1b[H\x1b[2J";
  for (bool first = true; !Interrupted(); first = false) {
    std::ostringstream buffer;
    CommandContext buffered = context;
    buffered.out = &buffer;
    if (redraw) buffered.style = StyleFor(context.options.output, STDOUT_FILENO);
    const int code = once(buffered);
    if (Interrupted()) break;
    if (redraw) {
      Redraw(context, buffer.str(), every);
    } else {
      if (!first && !context.json()) *context.out << "\n";
      *context.out << buffer.str() << std::flush;
    }
    if (code != kOk) return code;
    SleepUnlessInterrupted(every);
  }
  return kOk;
}

}  // namespace cairn::admin
