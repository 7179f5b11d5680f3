#include "admin-cli/commands/interrupt.h"

#include <absl/time/clock.h>
#include <poll.h>

#include <algorithm>
#include <csignal>

namespace cairn::admin {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void OnSignal(int) { interrupted = 1; }

}  // namespace

void CatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  // Without SA_RESTART, so that poll() returns.
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

bool Interrupted() { return interrupted != 0; }

void SleepUnlessInterrupted(absl::Duration duration) {
  // In slices: poll() would not notice a signal that came between the check and the call.
  constexpr absl::Duration kSlice = absl::Milliseconds(200);
  const absl::Time end = absl::Now() + duration;
  for (absl::Duration left = duration; left > absl::ZeroDuration() && !Interrupted();
       left = end - absl::Now()) {
    poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(std::min(left, kSlice))) + 1);
  }
}

}  // namespace cairn::admin
