// ServerUsage: the CPU and memory of the processes under test, and the CPU that others use
// meanwhile.
//
// Source: each process's CPU clock (clock_getcpuclockid(3): all its threads, those that ended too),
// /proc/PID/task/*/status, /proc/PID/smaps_rollup, /proc/stat.
#ifndef CAIRN_TESTS_BENCH_SERVER_USAGE_H_
#define CAIRN_TESTS_BENCH_SERVER_USAGE_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "tests/bench/report.h"

namespace cairn::bench {

class ServerUsage {
 public:
  explicit ServerUsage(std::vector<pid_t> servers) : servers_(std::move(servers)) {}

  // Beginning and end of the measured time.
  void Begin() { begin_ = Take(); }
  void End() { end_ = Take(); }
  double Seconds() const;

  // Writes CPU per unit, of which `count` were done: the servers' together and each, and the
  // generator's; how often a thread of the servers slept and was woken per unit; and how many
  // processors were busy for whom.
  void Describe(uint64_t count, Report& report) const;

  // Resident memory of each server.
  std::vector<uint64_t> ResidentBytes() const;

 private:
  struct Sample {
    int64_t time_ns = 0;
    std::vector<int64_t> server_cpu_ns;
    uint64_t server_wakeups = 0;
    int64_t own_cpu_ns = 0;
    int64_t machine_cpu_ns = 0;  // of everybody, stolen time included
  };

  Sample Take() const;

  const std::vector<pid_t> servers_;
  Sample begin_;
  Sample end_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_SERVER_USAGE_H_
