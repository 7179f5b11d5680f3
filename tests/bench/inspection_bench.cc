// inspection_bench: what inspecting a core with very many peers costs, as Markdown tables.
//
// Starts a core, fills it through lanes of its own, and measures memory, calls of the Admin API,
// and what relays notice of them. Exit 1 when a relay was lost or a stream ended; 2 when it could
// not run.
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/bench_clock.h"
#include "tests/bench/inspection_calls.h"
#include "tests/bench/inspection_load.h"
#include "tests/bench/population.h"
#include "tests/bench/relay_probe.h"

namespace cairn::bench {
namespace {

constexpr char kUsage[] =
    "usage: inspection_bench [--server FILE] [--peers N] [--lanes N] [--rate PER_SECOND] "
    "[--seconds S] [--rounds N]\n"
    "Prints what the inspection of a core with N peers (100000) costs. --server: cairn-signal; by\n"
    "default the one beside this program. Relays are sent at a fixed rate (1000) for S seconds "
    "(1)\n"
    "under each load in turn, N rounds of that (5); the quietest of each load is shown.\n"
    "Exit 1: a relay was lost or a stream ended; 2: it could not run.\n";
constexpr int kFaults = 1;
constexpr int kCouldNotRun = 2;
constexpr size_t kHistory = 10'000;  // closed peers: as many as a core remembers
constexpr char kNothing[] = "nothing else";

struct Options {
  std::string server;
  size_t peers = 100'000;
  size_t lanes = 4;
  double rate = 1000;
  double seconds = 1;
  size_t rounds = 5;
};

bool ReadOption(std::string_view name, const char* text, Options& options) {
  if (name == "--server") {
    options.server = text;
    return true;
  }
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(value >= 1 && value <= 1e7)) return false;
  if (name == "--peers") {
    options.peers = static_cast<size_t>(value);
  } else if (name == "--lanes") {
    options.lanes = static_cast<size_t>(value);
  } else if (name == "--rate") {
    options.rate = value;
  } else if (name == "--rounds") {
    options.rounds = static_cast<size_t>(value);
  } else if (name == "--seconds") {
    options.seconds = value;
  } else {
    return false;
  }
  return true;
}

class Run {
 public:
  Run(const Options& options, const CoreProcess& core)
      : options_(options),
        core_(core),
        calls_(core),
        empty_(core.ResidentBytes()),
        population_(core, options.peers, options.lanes) {}

  // Prints what memory it takes; false when it could not be done.
  bool Fill();
  void PrintCalls();
  // False when a relay was lost.
  bool PrintRelays();

 private:
  struct RelayFigures {
    double p50_us, p99_us, max_us;
    std::string done;
  };

  void PrintMemory(const char* what, uint64_t before);
  RelayFigures RelaysUnder(const Load* meanwhile);

  const Options& options_;
  const CoreProcess& core_;
  InspectionCalls calls_;
  const uint64_t empty_;
  Population population_;
  std::unique_ptr<RelayProbe> probe_;
  bool lost_ = false;
};

void Run::PrintMemory(const char* what, uint64_t before) {
  const uint64_t now = core_.ResidentBytes();
  std::printf("| %s | %.1f | %.0f |\n", what, static_cast<double>(now) / (1 << 20),
              (static_cast<double>(now) - static_cast<double>(before)) /
                  static_cast<double>(options_.peers));
}

bool Run::Fill() {
  std::printf("%zu peers on %zu lanes, %zu subscriptions to %zu topics.\n\n", population_.peers(),
              options_.lanes, population_.subscriptions(), population_.topics());
  std::printf("| Memory of the core | MiB | more than before, bytes a peer |\n|---|---|---|\n");
  std::printf("| empty | %.1f | |\n", static_cast<double>(empty_) / (1 << 20));
  const int64_t start_ns = NowNs();
  if (!population_.Open() || calls_.Status().peers() != options_.peers) return false;
  PrintMemory("peers, with no topic", empty_);
  uint64_t before = core_.ResidentBytes();
  if (!population_.Subscribe() || calls_.Status().subscriptions() != population_.subscriptions()) {
    return false;
  }
  PrintMemory("and three topics each", before);
  before = core_.ResidentBytes();
  if (!population_.Report() || !population_.PassThrough(kHistory) ||
      calls_.Status().peers_closed() != kHistory) {
    return false;
  }
  PrintMemory("and figures, and 10,000 that are gone", before);
  PrintMemory("all together", empty_);
  std::printf("\nFilled in %.1f s.\n\n", static_cast<double>(NowNs() - start_ns) / 1e9);
  return true;
}

void Run::PrintCalls() {
  std::printf("| Call | entries | first page, ms | whole, ms |\n|---|---|---|---|\n");
  for (const ListingFigures& figures : calls_.TimeListings()) {
    std::printf("| %s | %zu | %.1f | %.1f |\n", figures.what.c_str(), figures.entries,
                figures.first_ms, figures.whole_ms);
  }
  std::printf("\n| Call | p50, us | p99, us |\n|---|---|---|\n");
  for (UnaryFigures& figures : calls_.TimeUnary()) {
    std::printf("| %s | %.0f | %.0f |\n", figures.what.c_str(), figures.latencies.PercentileUs(0.5),
                figures.latencies.PercentileUs(0.99));
  }
  std::printf("\n");
}

Run::RelayFigures Run::RelaysUnder(const Load* meanwhile) {
  Latencies latencies = probe_->Run(options_.rate, options_.seconds);
  lost_ = lost_ || !probe_->complete();
  return {latencies.PercentileUs(0.5), latencies.PercentileUs(0.99), latencies.MaxUs(),
          meanwhile ? meanwhile->Done() : ""};
}

bool Run::PrintRelays() {
  probe_ = std::make_unique<RelayProbe>(core_);
  if (calls_.Status().subscriptions() != population_.subscriptions() + RelayProbe::kSubscriptions) {
    return false;
  }
  probe_->Run(options_.rate, 1);  // to warm up
  // Other load on the machine disturbs some rounds; the quietest round of each load is the best
  // measurement.
  std::map<std::string, RelayFigures> quietest;
  const auto note = [&quietest](const std::string& load, const RelayFigures& figures) {
    const auto [it, first] = quietest.emplace(load, figures);
    if (!first && figures.p99_us < it->second.p99_us) it->second = figures;
  };
  for (size_t round = 0; round < options_.rounds; ++round) {
    note(kNothing, RelaysUnder(nullptr));
    for (const LoadKind kind : kAllLoads) {
      const Load load(core_, kind);
      note(Name(kind), RelaysUnder(&load));
    }
  }
  std::printf(
      "| Relays meanwhile, %.0f/s of %zu bytes | p50, us | p99, us | max, us | done |\n"
      "|---|---|---|---|---|\n",
      options_.rate, RelayProbe::kPayloadBytes);
  const auto print = [&quietest](const std::string& load) {
    const RelayFigures& figures = quietest.at(load);
    std::printf("| %s | %.0f | %.0f | %.0f | %s |\n", load.c_str(), figures.p50_us, figures.p99_us,
                figures.max_us, figures.done.c_str());
  };
  print(kNothing);
  for (const LoadKind kind : kAllLoads) print(Name(kind));
  return !lost_ && !probe_->broken() && !population_.broken();
}

int Main(int argc, char** argv) {
  Options options;
  options.server = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "cairn-signal";
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc || !ReadOption(argv[i], argv[i + 1], options)) {
      std::fputs(kUsage, stderr);
      return kCouldNotRun;
    }
  }
  // Sleeps otherwise end 50 us late, to save wake-ups.
  prctl(PR_SET_TIMERSLACK, 1);
  const std::unique_ptr<CoreProcess> core = CoreProcess::Start(options.server);
  if (!core) return kCouldNotRun;
  Run run(options, *core);
  if (!run.Fill()) {
    std::fputs("inspection_bench: the core could not be filled\n", stderr);
    return kCouldNotRun;
  }
  run.PrintCalls();
  return run.PrintRelays() ? 0 : kFaults;
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) { return cairn::bench::Main(argc, argv); }
