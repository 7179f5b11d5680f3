// MachineLimits: the processors and memory that this process may use, where a control group allows
// less than the machine has.
//
// Source: cgroups(7), version 2 (memory.max, cpu.max) and version 1 (memory.limit_in_bytes,
//         cpu.cfs_quota_us); the limits of all groups above count too. getrlimit(2): RLIMIT_AS.
// Thread: any.
// Errors: none; what cannot be read counts as no limit.
#ifndef CAIRN_BASE_MACHINE_LIMITS_H_
#define CAIRN_BASE_MACHINE_LIMITS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace cairn {

struct CgroupLimits {
  std::optional<uint64_t> memory_bytes;
  std::optional<double> processors;
};

// `membership`: the text of /proc/self/cgroup; `root`: where control groups are mounted.
CgroupLimits ReadCgroupLimits(const std::string& membership, const std::string& root);

// The lowest of the machine's, the control group's and the resource limit.
uint64_t MemoryLimitBytes();
// At least 1. A fractional quota is rounded up.
int UsableProcessors();

}  // namespace cairn

#endif  // CAIRN_BASE_MACHINE_LIMITS_H_
