#include "server/process_stats.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <ctime>

#include "base/unique_fd.h"

namespace cairn::server {
namespace {

TEST(ProcessStats, AreOfThisProcess) {
  const ProcessStats before = ReadProcessStats();
  const UniqueFd one(open("/dev/null", O_RDONLY)), other(open("/dev/null", O_RDONLY));
  const ProcessStats after = ReadProcessStats();
  EXPECT_EQ(after.open_files, before.open_files + 2);
  EXPECT_GT(after.max_open_files, after.open_files);
  EXPECT_GE(after.threads, 1u);
  EXPECT_GT(after.resident_bytes, 100u << 10);
  EXPECT_GE(after.virtual_bytes, after.resident_bytes);
  EXPECT_GE(after.cpu_seconds, before.cpu_seconds);
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_GT(after.start_time_seconds, now - 24 * 3600);
  EXPECT_LT(after.start_time_seconds, now + 60);
}

}  // namespace
}  // namespace cairn::server
