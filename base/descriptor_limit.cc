#include "base/descriptor_limit.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "base/unique_fd.h"

namespace cairn {

int DescriptorLimit() {
  static const int limit = [] {
    rlimit found;
    if (getrlimit(RLIMIT_NOFILE, &found) != 0) return 1024;
    constexpr rlim_t kMost = std::numeric_limits<int>::max();
    return static_cast<int>(std::min(found.rlim_cur, kMost));
  }();
  return limit;
}

int DescriptorReserveStart() {
  return DescriptorLimit() - std::clamp(DescriptorLimit() / 8, 8, 64);
}

bool OnlyReserveIsLeft() {
  const UniqueFd lowest_free(fcntl(0, F_DUPFD_CLOEXEC, 0));
  return !lowest_free.valid() || lowest_free.get() >= DescriptorReserveStart();
}

}  // namespace cairn
