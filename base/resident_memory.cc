#include "base/resident_memory.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace cairn {

uint64_t ResidentBytes(pid_t pid) {
  std::ifstream statm("/proc/" + (pid == 0 ? "self" : std::to_string(pid)) + "/statm");
  uint64_t total_pages = 0, resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace cairn
