// Runs seeds, each in a process of its own with the same initial state, so that a seed that fails
// also fails when it is run alone.
//
//   sim_test [--first N] [--every N] [--seeds N]: the seeds of seeds.h, then so many others
//   sim_test --seed N [--lines N]: one seed, with the last lines of its trace
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "tests/sim/seeds.h"
#ifdef CAIRN_SIM_MESH
#include "tests/sim/mesh_world.h"
#else
#include "tests/sim/world.h"
#endif

namespace cairn::sim {
namespace {

#ifdef CAIRN_SIM_MESH
using AnyWorld = MeshWorld;
constexpr const auto& kKept = kKeptMeshSeeds;
#else
using AnyWorld = World;
constexpr const auto& kKept = kKeptSeeds;
#endif

struct Options {
  uint64_t first = 1;
  uint64_t seeds = 10'000;
  uint64_t every = 1;
  uint64_t lines = 60;
  uint64_t failures = 1;  // stop after
  bool one = false;
  bool kept = true;
};

enum class Outcome { kPassed, kFailed };

void RunHere(uint64_t seed, size_t lines, Coverage& coverage) {
  AnyWorld world(seed, coverage, lines);
  const bool passed = world.Run();
  if (lines > 0) {
    world.trace().Print(stdout);
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                passed ? "passed" : world.failure().c_str());
    std::fflush(stdout);
  }
  // The process ends without destructors.
  _exit(passed ? 0 : 1);
}

Outcome RunSeed(uint64_t seed, size_t lines, Coverage& coverage) {
  const pid_t child = fork();
  CAIRN_CHECK(child >= 0);
  if (child == 0) RunHere(seed, lines, coverage);
  int status = 0;
  CAIRN_CHECK(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status))
    std::printf("seed %llu: ended by signal %d\n", static_cast<unsigned long long>(seed),
                WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Outcome::kPassed : Outcome::kFailed;
}

void PrintCoverage(const Coverage& c, uint64_t runs, double seconds) {
  const auto n = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "%llu runs in %.1f s: %llu s of virtual time, %llu events, %llu faults, %llu cores\n"
      "%llu relays, %llu expected deliveries, %llu made, %llu receipts, %llu answers, %llu "
      "results\n"
      "lanes given up %llu, late %llu; lost, counted and told: %llu deliveries (%llu known only to "
      "lanes that ended), %llu unsure relays\n"
      "duplicates dropped %llu, reads paused %llu\n",
      n(runs), seconds, n(c.virtual_ms / 1000), n(c.events), n(c.faults), n(c.cores), n(c.relays),
      n(c.expected), n(c.delivered), n(c.receipts), n(c.answers), n(c.results), n(c.given_up),
      n(c.late), n(c.excused), n(c.forgotten), n(c.unsure), n(c.duplicates_dropped),
      n(c.congested));
}

int RunAll(const Options& options) {
  // Nothing may be allocated between runs: addresses would differ.
  static char out[4'096];
  std::setvbuf(stdout, out, _IOLBF, sizeof(out));
  // Children add to it.
  void* shared =
      mmap(nullptr, sizeof(Coverage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CAIRN_CHECK(shared != MAP_FAILED);
  Coverage& coverage = *new (shared) Coverage();
  if (options.one)
    return RunSeed(options.first, options.lines, coverage) == Outcome::kPassed ? 0 : 1;
  const auto start = std::chrono::steady_clock::now();
  uint64_t runs = 0, failures = 0;
  const auto run = [&](uint64_t seed) {
    ++runs;
    if (RunSeed(seed, 0, coverage) == Outcome::kPassed) return;
    ++failures;
    if (failures <= options.failures) RunSeed(seed, options.lines, coverage);
  };
  for (const KeptSeed& kept : kKept) {
    if (options.kept) run(kept.seed);
  }
  for (uint64_t i = 0; i < options.seeds && failures < options.failures; ++i)
    run(options.first + i * options.every);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  PrintCoverage(coverage, runs, took.count());
  if (failures > 0) std::printf("%llu seeds failed\n", static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}

bool ReadOptions(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    uint64_t value = 0;
    std::from_chars(argv[i + 1], argv[i + 1] + std::strlen(argv[i + 1]), value);
    if (name == "--first")
      options.first = value;
    else if (name == "--seeds")
      options.seeds = value;
    else if (name == "--every")
      options.every = value;
    else if (name == "--kept")
      options.kept = value != 0;
    else if (name == "--lines")
      options.lines = value;
    else if (name == "--failures")
      options.failures = value;
    else if (name == "--seed") {
      options.first = value;
      options.one = true;
    } else
      return false;
  }
  return argc % 2 == 1;
}

// Hash tables order their entries by addresses: every run must have the same ones. Work that every
// child process would repeat, such as looking up symbols, is done before the first fork.
void FixAddresses(char** argv) {
  const int now = personality(0xffffffff);
  if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0) return;
  if (personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) == -1) return;
  setenv("LD_BIND_NOW", "1", 1);
  setenv("MALLOC_TOP_PAD_", "16777216", 1);
  execv("/proc/self/exe", argv);
}

}  // namespace
}  // namespace cairn::sim

int main(int argc, char** argv) {
  cairn::sim::FixAddresses(argv);
  cairn::sim::Options options;
  if (!cairn::sim::ReadOptions(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: sim_test [--first N] [--every N] [--seeds N] [--failures N] [--kept 0]\n"
                 "       sim_test --seed N [--lines N]\n");
    return 2;
  }
  cairn::InitLog(cairn::LogFilter::Parse("off"));
  return cairn::sim::RunAll(options);
}
