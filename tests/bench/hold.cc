#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/bench_clock.h"
#include "tests/bench/crowd.h"
#include "tests/bench/scenarios.h"

namespace cairn::bench {
namespace {

constexpr int64_t kLook = 100 * kMillisecond;

// The process that started this one has closed its end, or has exited.
bool StdinHasEnded() {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  char byte = 0;
  return poll(&in, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

}  // namespace

std::optional<Faults> RunHold(const LoadOptions& options, Report& report) {
  Poller poller;
  uint64_t unexpected = 0;
  Crowd crowd(poller, options.ports, [&unexpected](Peer&, const ReceivedRelay&) { ++unexpected; });
  for (size_t i = 0; i < options.peers; ++i) {
    std::vector<std::string> names;
    for (size_t k = 0; k < options.topics; ++k)
      names.push_back(TopicName('h', i * options.topics + k));
    crowd.Add(std::move(names));
  }
  if (!crowd.Open()) return std::nullopt;
  std::printf("ready\n");
  std::fflush(stdout);
  while (!StdinHasEnded()) poller.PollUntil(NowNs() + kLook, [] { return false; });
  report.Add("peers", options.peers);
  Faults faults;
  faults.corrupt = unexpected;
  faults.disconnected = crowd.lost();
  return faults;
}

}  // namespace cairn::bench
