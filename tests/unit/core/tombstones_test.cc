#include "core/tombstones.h"

#include <gtest/gtest.h>

namespace cairn::core {
namespace {

TEST(Tombstones, RememberTheSecretOfALane) {
  Tombstones tombstones(2);
  EXPECT_EQ(tombstones.Find(1), nullptr);
  tombstones.Set(1, "secret");
  const std::string* found = tombstones.Find(1);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, "secret");
}

TEST(Tombstones, OfALaneTheLatestCounts) {
  Tombstones tombstones(2);
  tombstones.Set(1, "old");
  tombstones.Set(1, "new");
  EXPECT_EQ(tombstones.size(), 1u);
  EXPECT_EQ(*tombstones.Find(1), "new");
}

TEST(Tombstones, AreNoMoreThanTheirBoundAndTheOldestGoesFirst) {
  Tombstones tombstones(3);
  for (uint64_t lane = 1; lane <= 1000; ++lane) {
    tombstones.Set(lane, "s");
    ASSERT_LE(tombstones.size(), 3u);
  }
  EXPECT_EQ(tombstones.Find(997), nullptr);
  for (const uint64_t lane : {998u, 999u, 1000u}) EXPECT_NE(tombstones.Find(lane), nullptr) << lane;
}

TEST(Tombstones, ALaneThatWasGivenUpAgainIsNotTheOldest) {
  Tombstones tombstones(2);
  tombstones.Set(1, "s");
  tombstones.Set(2, "s");
  tombstones.Set(1, "s");
  tombstones.Set(3, "s");
  EXPECT_NE(tombstones.Find(1), nullptr) << "given up after 2";
  EXPECT_EQ(tombstones.Find(2), nullptr);
}

TEST(Tombstones, OfALaneThatIsGivenUpOverAndOverAreOneAndTakeNoMoreRoom) {
  Tombstones tombstones(2);
  tombstones.Set(1, "s");
  for (uint64_t link = 2; link <= 1000; ++link) tombstones.Set(2, "s");
  EXPECT_EQ(tombstones.size(), 2u);
  EXPECT_NE(tombstones.Find(1), nullptr);
}

TEST(Tombstones, WithoutRoomAreNone) {
  Tombstones tombstones(0);
  tombstones.Set(1, "s");
  EXPECT_EQ(tombstones.size(), 0u);
  EXPECT_EQ(tombstones.Find(1), nullptr);
}

}  // namespace
}  // namespace cairn::core
