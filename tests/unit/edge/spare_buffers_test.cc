#include "edge/spare_buffers.h"

#include <gtest/gtest.h>

#include <string>

namespace cairn::edge {
namespace {

std::string BufferOf(size_t bytes) { return std::string(bytes, 'b'); }

TEST(SpareBuffers, LendsWhatItWasGivenLast) {
  SpareBuffers spare;
  std::string first = BufferOf(100), second = BufferOf(200), none;
  const char* const memory = second.data();
  spare.TakeBack(first);
  spare.TakeBack(second);
  EXPECT_EQ(second, "");
  EXPECT_EQ(second.capacity(), std::string().capacity());
  spare.Lend(none);
  EXPECT_EQ(none, "");
  EXPECT_EQ(none.data(), memory);
  EXPECT_GE(spare.bytes(), 100u);
  EXPECT_LT(spare.bytes(), 200u);
}

TEST(SpareBuffers, LendsNothingWhenItHasNothing) {
  SpareBuffers spare;
  std::string none;
  spare.Lend(none);
  EXPECT_EQ(none.capacity(), std::string().capacity());
  EXPECT_EQ(spare.bytes(), 0u);
}

TEST(SpareBuffers, LargeOnesAreFreed) {
  SpareBuffers spare;
  std::string large = BufferOf(SpareBuffers::kLargestBytes + 1);
  spare.TakeBack(large);
  EXPECT_EQ(large.capacity(), std::string().capacity());
  EXPECT_EQ(spare.bytes(), 0u);
}

TEST(SpareBuffers, ThoseWithoutMemoryAreNotListed) {
  SpareBuffers spare;
  std::string small = "small";
  spare.TakeBack(small);
  EXPECT_EQ(small, "");
  EXPECT_EQ(spare.bytes(), 0u);
}

TEST(SpareBuffers, AllTogetherAreBounded) {
  SpareBuffers spare;
  for (size_t bytes = 0; bytes < 2 * SpareBuffers::kMostBytes; bytes += 10'000) {
    std::string used = BufferOf(10'000);
    spare.TakeBack(used);
    ASSERT_EQ(used.capacity(), std::string().capacity());
  }
  EXPECT_LE(spare.bytes(), SpareBuffers::kMostBytes);
  EXPECT_GT(spare.bytes(), SpareBuffers::kMostBytes - 20'000);
}

}  // namespace
}  // namespace cairn::edge
