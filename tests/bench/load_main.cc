// cairn-load: drives servers on this machine and prints the results as one line of JSON.
#include <sys/prctl.h>

#include <cstdio>
#include <optional>
#include <string_view>

#include "tests/bench/load_options.h"
#include "tests/bench/report.h"
#include "tests/bench/scenarios.h"

namespace {

using cairn::bench::Faults;
using cairn::bench::LoadOptions;
using cairn::bench::Report;

constexpr int kFaults = 1;
constexpr int kCouldNotRun = 2;

std::optional<Faults> Run(const LoadOptions& options, Report& report) {
  const std::string_view scenario = options.scenario;
  if (scenario == "pairs") return RunPairs(options, report);
  if (scenario == "fanout") return RunFanout(options, report);
  if (scenario == "idle") return RunIdle(options, report);
  if (scenario == "hold") return RunHold(options, report);
  if (scenario == "vanish") return RunVanish(options, report);
  if (scenario == "discovery") return RunDiscovery(options, report);
  std::fprintf(stderr, "cairn-load: there is no scenario '%s'\n", options.scenario.c_str());
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<LoadOptions> options = cairn::bench::ParseLoadOptions(argc, argv);
  if (!options) return kCouldNotRun;
  // Sleeps otherwise end 50 us late, to save wake-ups.
  prctl(PR_SET_TIMERSLACK, 1);
  Report report(options->scenario);
  const std::optional<Faults> faults = Run(*options, report);
  if (!faults) return kCouldNotRun;
  report.Add(*faults);
  std::printf("%s\n", report.Line().c_str());
  return faults->none() ? 0 : kFaults;
}
