#include "base/machine_limits.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace cairn {
namespace {

constexpr char kRoot[] = "/sys/fs/cgroup";

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// The words of a file; none when it does not exist.
std::vector<std::string> Words(const std::string& path) {
  return absl::StrSplit(FileText(path), absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

template <typename T>
void TakeLess(std::optional<T>& limit, T other) {
  if (!limit || other < *limit) limit = other;
}

void TakeMemory(const std::string& path, CgroupLimits& limits) {
  const std::vector<std::string> words = Words(path);
  uint64_t bytes = 0;
  if (!words.empty() && absl::SimpleAtoi(words[0], &bytes)) TakeLess(limits.memory_bytes, bytes);
}

// "max" (version 2) and -1 (version 1) mean no limit.
void TakeProcessors(const std::string& quota_text, const std::string& period_text,
                    CgroupLimits& limits) {
  double quota = 0, period = 0;
  if (!absl::SimpleAtod(quota_text, &quota) || !absl::SimpleAtod(period_text, &period)) return;
  if (quota > 0 && period > 0) TakeLess(limits.processors, quota / period);
}

// Calls `take` for the group of `path` below `mount` and for each group above it.
template <typename Take>
void ForEachGroup(const std::string& mount, std::string path, Take take) {
  while (path.size() > 1) {
    take(mount + path);
    path.resize(path.rfind('/'));
  }
  take(mount);
}

void TakeV2(const std::string& group, CgroupLimits& limits) {
  TakeMemory(group + "/memory.max", limits);
  const std::vector<std::string> cpu = Words(group + "/cpu.max");
  if (cpu.size() == 2) TakeProcessors(cpu[0], cpu[1], limits);
}

void TakeV1Processors(const std::string& group, CgroupLimits& limits) {
  const std::vector<std::string> quota = Words(group + "/cpu.cfs_quota_us");
  const std::vector<std::string> period = Words(group + "/cpu.cfs_period_us");
  if (!quota.empty() && !period.empty()) TakeProcessors(quota[0], period[0], limits);
}

CgroupLimits OwnCgroup() { return ReadCgroupLimits(FileText("/proc/self/cgroup"), kRoot); }

}  // namespace

CgroupLimits ReadCgroupLimits(const std::string& membership, const std::string& root) {
  CgroupLimits limits;
  for (const absl::string_view line : absl::StrSplit(membership, '\n')) {
    // Lines are "number:controllers:/path"; in version 2 the list of controllers is empty.
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3 || parts[2].empty() || parts[2][0] != '/') continue;
    if (parts[1].empty()) {
      for (const char* mount : {"", "/unified"}) {
        ForEachGroup(root + mount, parts[2], [&](const std::string& at) { TakeV2(at, limits); });
      }
    }
    for (const absl::string_view controller : absl::StrSplit(parts[1], ',')) {
      if (controller == "memory") {
        ForEachGroup(root + "/memory", parts[2], [&](const std::string& at) {
          TakeMemory(at + "/memory.limit_in_bytes", limits);
        });
      } else if (controller == "cpu") {
        ForEachGroup(root + "/cpu", parts[2],
                     [&](const std::string& at) { TakeV1Processors(at, limits); });
      }
    }
  }
  return limits;
}

uint64_t MemoryLimitBytes() {
  uint64_t bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (const auto group = OwnCgroup().memory_bytes) bytes = std::min(bytes, *group);
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    bytes = std::min<uint64_t>(bytes, limit.rlim_cur);
  return bytes;
}

int UsableProcessors() {
  const int machine = static_cast<int>(std::thread::hardware_concurrency());
  const auto quota = OwnCgroup().processors;
  const int allowed = quota ? static_cast<int>(std::ceil(std::min(*quota, 1e6))) : machine;
  return std::max(1, std::min(machine, allowed));
}

}  // namespace cairn
