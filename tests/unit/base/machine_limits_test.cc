#include "base/machine_limits.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace cairn {
namespace {

class MachineLimitsTest : public testing::Test {
 protected:
  MachineLimitsTest()
      : root_(testing::TempDir() + "cgroup-" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(root_);
  }
  ~MachineLimitsTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  const std::string root_;
};

TEST_F(MachineLimitsTest, NothingThatCanBeReadIsNoLimit) {
  for (const char* membership : {"", "nonsense", "0::", "0::/a\n4:memory:/b\n"}) {
    const CgroupLimits limits = ReadCgroupLimits(membership, root_);
    EXPECT_FALSE(limits.memory_bytes);
    EXPECT_FALSE(limits.processors);
  }
  EXPECT_GT(MemoryLimitBytes(), 1u << 20);
  EXPECT_GE(UsableProcessors(), 1);
}

TEST_F(MachineLimitsTest, TheLowestLimitOfAGroupAndItsParentsApplies) {
  Write("/memory.max", "max\n");
  Write("/a/memory.max", "1000000\n");
  Write("/a/b/memory.max", "2000000\n");
  Write("/a/cpu.max", "max 100000\n");
  Write("/a/b/cpu.max", "150000 100000\n");
  const CgroupLimits limits = ReadCgroupLimits("0::/a/b\n", root_);
  EXPECT_EQ(limits.memory_bytes, 1'000'000u);
  EXPECT_EQ(limits.processors, 1.5);
}

TEST_F(MachineLimitsTest, AContainerSeesItsOwnGroupAsTheRoot) {
  Write("/memory.max", "268435456\n");
  Write("/cpu.max", "200000 100000\n");
  for (const char* membership : {"0::/", "0::/docker/0123", "0::/../.."}) {
    const CgroupLimits limits = ReadCgroupLimits(membership, root_);
    EXPECT_EQ(limits.memory_bytes, 268435456u) << membership;
    EXPECT_EQ(limits.processors, 2) << membership;
  }
}

TEST_F(MachineLimitsTest, CgroupsOfVersionOneAreReadToo) {
  Write("/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  Write("/memory/a/b/memory.limit_in_bytes", "5000000\n");
  Write("/cpu/a/cpu.cfs_quota_us", "50000\n");
  Write("/cpu/a/cpu.cfs_period_us", "100000\n");
  Write("/cpu/cpu.cfs_quota_us", "-1\n");
  Write("/cpu/cpu.cfs_period_us", "100000\n");
  const CgroupLimits limits = ReadCgroupLimits("4:memory:/a/b\n2:cpu,cpuacct:/a\n0::/\n", root_);
  EXPECT_EQ(limits.memory_bytes, 5'000'000u);
  EXPECT_EQ(limits.processors, 0.5);
}

}  // namespace
}  // namespace cairn
