// Report: the results of a run, as one line of JSON, and whether the server kept all its promises.
#ifndef CAIRN_TESTS_BENCH_REPORT_H_
#define CAIRN_TESTS_BENCH_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/latencies.h"
#include "tests/bench/sequence_check.h"

namespace cairn::bench {

// What must not happen. All zero, or the run has failed.
struct Faults {
  uint64_t lost = 0;
  uint64_t duplicates = 0;
  uint64_t reordered = 0;
  uint64_t corrupt = 0;       // payload, sender or topic other than what was sent
  uint64_t disconnected = 0;  // connections that failed or ended by themselves

  // `sent`: messages that the other end has sent to the owner of `check`.
  void Count(const SequenceCheck& check, uint64_t sent);
  bool none() const { return lost + duplicates + reordered + corrupt + disconnected == 0; }
};

class Report {
 public:
  explicit Report(std::string_view scenario) { Add("scenario", scenario); }

  void Add(std::string_view name, double value);
  void Add(std::string_view name, uint64_t value);
  void Add(std::string_view name, std::string_view text);
  void Add(std::string_view name, const std::vector<double>& values);
  void Add(std::string_view name, const std::vector<uint64_t>& values);
  // Percentiles 50, 90, 99, 99.9 and the maximum, in microseconds.
  void Add(std::string_view name, Latencies& latencies);
  void Add(const Faults& faults);

  // The line, without its end.
  std::string Line() const { return "{" + fields_ + "}"; }

 private:
  void AddRaw(std::string_view name, std::string_view json);

  std::string fields_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_REPORT_H_
