// ProcessStats: what the kernel reports about this process, for metrics.
//
// Source: proc(5): /proc/self/stat, /proc/self/limits by getrlimit(2), /proc/self/fd, /proc/stat
//         "btime".
// Thread: any.
// Errors: what cannot be read is 0.
#ifndef CAIRN_SERVER_PROCESS_STATS_H_
#define CAIRN_SERVER_PROCESS_STATS_H_

#include <cstdint>

namespace cairn::server {

struct ProcessStats {
  double cpu_seconds = 0;         // user and system
  double start_time_seconds = 0;  // Unix time
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_files = 0;
  uint64_t max_open_files = 0;
  uint64_t threads = 0;
};

ProcessStats ReadProcessStats();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_PROCESS_STATS_H_
