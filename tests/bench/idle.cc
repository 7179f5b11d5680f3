#include <algorithm>
#include <vector>

#include "tests/bench/bench_clock.h"
#include "tests/bench/crowd.h"
#include "tests/bench/scenarios.h"
#include "tests/bench/server_usage.h"

namespace cairn::bench {
namespace {

// Opened before memory is first read, so that memory that a server takes once is not charged to
// each connection.
constexpr size_t kFirst = 100;
// For a core behind the edges, and for what servers free a little later.
constexpr int64_t kSettle = kSecond;

void AddIdle(Crowd& crowd, size_t count, size_t topics) {
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::string> names;
    for (size_t k = 0; k < topics; ++k) names.push_back(TopicName('i', crowd.size() * topics + k));
    crowd.Add(std::move(names));
  }
}

}  // namespace

std::optional<Faults> RunIdle(const LoadOptions& options, Report& report) {
  const auto never = [] { return false; };
  Poller poller;
  ServerUsage usage(options.servers);
  uint64_t unexpected = 0;
  Crowd crowd(poller, options.ports, [&unexpected](Peer&, const ReceivedRelay&) { ++unexpected; });
  AddIdle(crowd, kFirst, options.topics);
  if (!crowd.Open()) return std::nullopt;
  poller.PollUntil(NowNs() + kSettle, never);
  const std::vector<uint64_t> before = usage.ResidentBytes();

  usage.Begin();
  AddIdle(crowd, options.peers, options.topics);
  if (!crowd.Open()) return std::nullopt;
  const double opening_seconds = [&usage] {
    usage.End();
    return usage.Seconds();
  }();
  poller.PollUntil(NowNs() + kSettle, never);
  usage.End();
  const std::vector<uint64_t> after = usage.ResidentBytes();

  const auto peers = static_cast<double>(std::max<size_t>(options.peers, 1));
  std::vector<double> each;
  double all = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    each.push_back((static_cast<double>(after[i]) - static_cast<double>(before[i])) / peers);
    all += each.back();
  }
  report.Add("peers", options.peers);
  report.Add("topics", options.topics);
  report.Add("resident_bytes_per_peer", all);
  report.Add("each_resident_bytes_per_peer", each);
  report.Add("opened_per_second", peers / opening_seconds);
  usage.Describe(options.peers, report);
  Faults faults;
  faults.corrupt = unexpected;
  faults.disconnected = crowd.lost();
  return faults;
}

}  // namespace cairn::bench
