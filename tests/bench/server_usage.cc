#include "tests/bench/server_usage.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/bench/bench_clock.h"

namespace cairn::bench {
namespace {

int64_t ReadCpuClock(clockid_t clock) {
  timespec used = {};
  if (clock_gettime(clock, &used) != 0) return 0;
  return used.tv_sec * kSecond + used.tv_nsec;
}

int64_t CpuOf(pid_t process) {
  clockid_t clock = 0;
  return clock_getcpuclockid(process, &clock) == 0 ? ReadCpuClock(clock) : 0;
}

// First line of /proc/stat: cpu user nice system idle iowait irq softirq steal …, in ticks.
int64_t CpuOfMachine() {
  std::ifstream stat("/proc/stat");
  std::string label;
  stat >> label;
  int64_t ticks = 0;
  for (int column = 0; column < 8; ++column) {
    int64_t value = 0;
    stat >> value;
    if (column != 3 && column != 4) ticks += value;
  }
  return ticks * (kSecond / sysconf(_SC_CLK_TCK));
}

// Sleeps of its threads, each of which ends with a wake-up; without those of threads that ended.
uint64_t WakeupsOf(pid_t process) {
  uint64_t wakeups = 0;
  std::error_code gone;
  const std::filesystem::path tasks("/proc/" + std::to_string(process) + "/task");
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    std::ifstream status(task.path() / "status");
    for (std::string word; status >> word;) {
      uint64_t count = 0;
      if (word == "voluntary_ctxt_switches:" && status >> count) wakeups += count;
    }
  }
  return wakeups;
}

uint64_t ResidentBytesOf(pid_t process) {
  std::ifstream rollup("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string word; rollup >> word;) {
    uint64_t kilobytes = 0;
    if (word == "Rss:" && rollup >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

ServerUsage::Sample ServerUsage::Take() const {
  Sample sample;
  sample.time_ns = NowNs();
  for (const pid_t server : servers_) {
    sample.server_cpu_ns.push_back(CpuOf(server));
    sample.server_wakeups += WakeupsOf(server);
  }
  sample.own_cpu_ns = ReadCpuClock(CLOCK_PROCESS_CPUTIME_ID);
  sample.machine_cpu_ns = CpuOfMachine();
  return sample;
}

double ServerUsage::Seconds() const {
  return static_cast<double>(end_.time_ns - begin_.time_ns) / 1e9;
}

void ServerUsage::Describe(uint64_t count, Report& report) const {
  const double units = count > 0 ? static_cast<double>(count) : 1.0;
  const auto wall_ns = static_cast<double>(end_.time_ns - begin_.time_ns);
  std::vector<double> each_us;
  double servers_ns = 0;
  for (size_t i = 0; i < servers_.size(); ++i) {
    const auto used = static_cast<double>(end_.server_cpu_ns[i] - begin_.server_cpu_ns[i]);
    servers_ns += used;
    each_us.push_back(used / units / 1e3);
  }
  const auto own_ns = static_cast<double>(end_.own_cpu_ns - begin_.own_cpu_ns);
  const auto machine_ns = static_cast<double>(end_.machine_cpu_ns - begin_.machine_cpu_ns);
  report.Add("server_cpu_us", servers_ns / units / 1e3);
  report.Add("each_server_cpu_us", each_us);
  report.Add("server_wakeups",
             static_cast<double>(end_.server_wakeups - begin_.server_wakeups) / units);
  report.Add("generator_cpu_us", own_ns / units / 1e3);
  report.Add("server_cores", servers_ns / wall_ns);
  report.Add("generator_cores", own_ns / wall_ns);
  report.Add("other_cores", (machine_ns - servers_ns - own_ns) / wall_ns);
}

std::vector<uint64_t> ServerUsage::ResidentBytes() const {
  std::vector<uint64_t> bytes;
  for (const pid_t server : servers_) bytes.push_back(ResidentBytesOf(server));
  return bytes;
}

}  // namespace cairn::bench
