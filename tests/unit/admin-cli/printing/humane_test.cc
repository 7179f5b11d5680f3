#include "admin-cli/printing/humane.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

TEST(HumaneTest, DurationsHaveTheirTwoLargestUnits) {
  const std::pair<absl::Duration, const char*> cases[] = {
      {absl::ZeroDuration(), "0s"},       {absl::Microseconds(300), "0s"},
      {absl::Milliseconds(850), "850ms"}, {absl::Milliseconds(1999), "1s"},
      {absl::Seconds(59), "59s"},         {absl::Seconds(60), "1m00s"},
      {absl::Seconds(192), "3m12s"},      {absl::Minutes(307), "5h07m"},
      {absl::Hours(24), "1d00h"},         {absl::Hours(24 * 61 + 4), "61d04h"},
      {-absl::Seconds(192), "-3m12s"},    {absl::InfiniteDuration(), "forever"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(HumaneDuration(duration), text);
}

TEST(HumaneTest, LatenciesHaveThreeDigits) {
  const std::pair<double, const char*> cases[] = {
      {0, "0us"},           {412, "412us"},        {999.4, "999us"},   {999.6, "1.00ms"},
      {1234, "1.23ms"},     {45'123, "45.1ms"},    {999'400, "999ms"}, {999'600, "1.00s"},
      {2'500'000, "2.50s"}, {59'000'000, "59.0s"}, {-412, "-412us"},   {192'000'000, "3m12s"},
  };
  for (const auto& [us, text] : cases) EXPECT_EQ(HumaneLatency(absl::Microseconds(us)), text);
}

TEST(HumaneTest, SizesAreInPowersOf1024) {
  const std::pair<uint64_t, const char*> cases[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1'258'291, "1.2 MiB"},
      {1'048'575, "1.0 MiB"},
      {uint64_t{5} << 40, "5.0 TiB"},
      {~uint64_t{0}, "16.0 EiB"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(HumaneSize(bytes), text);
}

TEST(HumaneTest, CountsAreGroupedByThousands) {
  EXPECT_EQ(HumaneCount(0), "0");
  EXPECT_EQ(HumaneCount(999), "999");
  EXPECT_EQ(HumaneCount(1000), "1,000");
  EXPECT_EQ(HumaneCount(1'234'567), "1,234,567");
}

TEST(HumaneTest, RatesShowTenthsOnlyWhereTheyMatter) {
  EXPECT_EQ(HumaneRate(0), "0");
  EXPECT_EQ(HumaneRate(-1), "0");
  EXPECT_EQ(HumaneRate(0.31), "0.3");
  EXPECT_EQ(HumaneRate(12.5), "12.5");
  EXPECT_EQ(HumaneRate(1203.7), "1,204");
}

TEST(HumaneTest, DurationsAreReadWithAndWithoutUnits) {
  const std::pair<const char*, absl::Duration> cases[] = {
      {"90", absl::Seconds(90)},    {"1.5", absl::Milliseconds(1500)},
      {"0", absl::ZeroDuration()},  {"500ms", absl::Milliseconds(500)},
      {"1h30m", absl::Minutes(90)}, {"14d", absl::Hours(14 * 24)},
      {"2w", absl::Hours(14 * 24)}, {"1d12h", absl::Hours(36)},
      {"5min", absl::Minutes(5)},
  };
  for (const auto& [text, duration] : cases) {
    const absl::StatusOr<absl::Duration> read = ParseHumaneDuration(text);
    ASSERT_TRUE(read.ok()) << text << ": " << read.status();
    EXPECT_EQ(*read, duration) << text;
  }
}

TEST(HumaneTest, InvalidDurationsAreRefusedWithAnExample) {
  for (const char* text :
       {"", "x", "5x", "1h30", "-5s", "5 s", "1..5s", "nan", "inf", "9999999w", "m"}) {
    const absl::StatusOr<absl::Duration> read = ParseHumaneDuration(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_NE(read.status().message().find("give one such as"), absl::string_view::npos) << text;
  }
}

TEST(HumaneTest, SizesAreReadWithAndWithoutUnits) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"0", 0},
      {"65536", 65536},
      {"1B", 1},
      {"4k", 4096},
      {"512MiB", 512 << 20},
      {"1.5G", uint64_t{1536} << 20},
      {"2 TB", uint64_t{2} << 40},
      {"1KB", 1024},
  };
  for (const auto& [text, size] : cases) {
    const absl::StatusOr<uint64_t> read = ParseHumaneSize(text);
    ASSERT_TRUE(read.ok()) << text << ": " << read.status();
    EXPECT_EQ(*read, size) << text;
  }
}

TEST(HumaneTest, InvalidSizesAreRefused) {
  for (const char* text : {"", "x", "5x", "5 iB", "1MiBs", "-1", "99999999P", "1 2"}) {
    EXPECT_FALSE(ParseHumaneSize(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cairn::admin
