#include "tests/bench/load_options.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/bench/stamp.h"

namespace cairn::bench {
namespace {

constexpr char kUsage[] =
    "usage: cairn-load pairs|fanout|idle|hold|vanish|discovery --ports PORT[,PORT]\n"
    "  [--servers PID[,PID]]\n"
    "  [--seconds S] [--warmup S] [--payload BYTES] [--pairs N] [--in-flight N] [--rate "
    "PER_SECOND]\n"
    "  [--subscribers N] [--peers N] [--topics N] [--reset]\n"
    "  [--candidates N] [--v2]\n"
    "Prints one line of JSON. Exit 1: something was lost, doubled, reordered, changed or closed; "
    "2: it could not run.\n";

bool ReadNumber(const char* text, double most, double& into) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0 && value <= most)) return false;
  into = value;
  return true;
}

template <typename T>
bool Read(const char* text, double most, T& into) {
  double value = 0;
  if (!ReadNumber(text, most, value)) return false;
  into = static_cast<T>(value);
  return true;
}

template <typename T>
bool ReadList(const std::string& text, double most, std::vector<T>& into) {
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (!Read(text.substr(at, comma - at).c_str(), most, into.emplace_back())) return false;
    at = comma + 1;
  }
  return true;
}

bool ReadOption(std::string_view name, const char* text, LoadOptions& options) {
  if (name == "--ports") return ReadList(text, 65535, options.ports);
  if (name == "--servers") return ReadList(text, 1 << 30, options.servers);
  if (name == "--seconds") return Read(text, 3600, options.seconds);
  if (name == "--warmup") return Read(text, 3600, options.warmup_seconds);
  if (name == "--payload") return Read(text, 60'000, options.payload_bytes);
  if (name == "--pairs") return Read(text, 9'000, options.pairs);
  if (name == "--in-flight") return Read(text, 10'000, options.in_flight);
  if (name == "--rate") return Read(text, 10e6, options.rate);
  if (name == "--subscribers") return Read(text, 19'000, options.subscribers);
  if (name == "--peers") return Read(text, 19'000, options.peers);
  if (name == "--topics") return Read(text, 1'000, options.topics);
  if (name == "--candidates") return Read(text, 100, options.candidates);
  return false;
}

std::optional<LoadOptions> Fail(std::string_view what) {
  std::fprintf(stderr, "cairn-load: %.*s\n%s", static_cast<int>(what.size()), what.data(), kUsage);
  return std::nullopt;
}

}  // namespace

std::optional<LoadOptions> ParseLoadOptions(int argc, char** argv) {
  if (argc < 2) return Fail("no scenario");
  LoadOptions options;
  options.scenario = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--reset") {
      options.reset = true;
    } else if (name == "--v2") {
      options.v2 = true;
    } else if (i + 1 == argc || !ReadOption(name, argv[i + 1], options)) {
      return Fail(std::string(name) + ": unknown, without a value, or out of range");
    } else {
      ++i;
    }
  }
  if (options.ports.empty()) return Fail("--ports is missing");
  if (options.payload_bytes < kStampBytes) return Fail("--payload: too small for its stamp");
  if (options.in_flight == 0 || options.pairs == 0 || options.subscribers == 0)
    return Fail("nothing to send");
  if (options.scenario == "discovery" && (options.rate == 0 || options.candidates == 0))
    return Fail("discovery without --rate, or without candidates");
  return options;
}

}  // namespace cairn::bench
