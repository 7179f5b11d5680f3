#include "core/mesh_barriers.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace cairn::core {
namespace {

constexpr uint64_t kPeer = 1, kOther = 2;

MeshBarrier Of(uint64_t peer, absl::flat_hash_set<uint64_t> cores) {
  return {peer, "topic", false, std::move(cores)};
}

TEST(MeshBarriersTest, OneIsOverWhenAllItsCoresHaveConfirmedIt) {
  MeshBarriers barriers;
  const uint64_t number = barriers.next();
  barriers.Add(Of(kPeer, {11, 12}));
  EXPECT_FALSE(barriers.Confirm(number, 11));
  EXPECT_FALSE(barriers.Confirm(number, 11)) << "again";
  EXPECT_FALSE(barriers.Confirm(barriers.next(), 12)) << "another number";
  const std::optional<MeshBarrier> over = barriers.Confirm(number, 12);
  ASSERT_TRUE(over.has_value());
  EXPECT_EQ(over->peer, kPeer);
  EXPECT_EQ(over->topic, "topic");
  EXPECT_FALSE(barriers.Confirm(number, 12)) << "it is forgotten";
  EXPECT_EQ(barriers.size(), 0u);
}

TEST(MeshBarriersTest, CoresThatAreGoneAreNotWaitedFor) {
  MeshBarriers barriers;
  barriers.Add(Of(kPeer, {11}));
  barriers.Add(Of(kOther, {11, 12}));
  const std::vector<MeshBarrier> over = barriers.Leave([](uint64_t core) { return core == 11; });
  ASSERT_EQ(over.size(), 1u);
  EXPECT_EQ(over[0].peer, kPeer);
  EXPECT_EQ(barriers.size(), 1u);
}

TEST(MeshBarriersTest, APeerThatHasLeftIsNotAnswered) {
  MeshBarriers barriers;
  barriers.Add(Of(kPeer, {11}));
  barriers.Add(Of(kOther, {11}));
  barriers.Forget(kPeer);
  EXPECT_EQ(barriers.Leave([](uint64_t) { return true; }).size(), 1u);
}

}  // namespace
}  // namespace cairn::core
