// ResidentBytes: the memory of a process that is in RAM, as /proc/PID/statm has it (proc(5)).
//
// Thread: any.
// Errors: 0 when it cannot be read.
#ifndef CAIRN_BASE_RESIDENT_MEMORY_H_
#define CAIRN_BASE_RESIDENT_MEMORY_H_

#include <sys/types.h>

#include <cstdint>

namespace cairn {

// 0: this process.
uint64_t ResidentBytes(pid_t pid = 0);

}  // namespace cairn

#endif  // CAIRN_BASE_RESIDENT_MEMORY_H_
