#include "core/held_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HeldQueriesTest, EverybodyWhoWaitsForATopicIsTakenOnceInTheOrderOfAsking) {
  HeldQueries queries;
  EXPECT_TRUE(queries.Hold("t", 2));
  EXPECT_TRUE(queries.Hold("t", 1));
  EXPECT_TRUE(queries.Hold("u", 3));
  EXPECT_EQ(queries.size(), 3u);
  EXPECT_THAT(queries.Take("t"), ElementsAre(2, 1));
  EXPECT_THAT(queries.Take("t"), IsEmpty());
  EXPECT_THAT(queries.Take("nobody's"), IsEmpty());
  EXPECT_EQ(queries.size(), 1u);
}

TEST(HeldQueriesTest, APeerThatAsksAgainWaitsOnce) {
  HeldQueries queries;
  EXPECT_TRUE(queries.Hold("t", 1));
  EXPECT_TRUE(queries.Hold("t", 1));
  EXPECT_EQ(queries.size(), 1u);
  EXPECT_THAT(queries.Take("t"), ElementsAre(1));
}

TEST(HeldQueriesTest, ThoseThatGoAreNotTaken) {
  HeldQueries queries;
  queries.Hold("t", 1);
  queries.Hold("t", 2);
  queries.Hold("u", 1);
  queries.Remove("t", 1);
  queries.Remove("t", 9);
  queries.Remove("nobody's", 1);
  EXPECT_EQ(queries.size(), 2u);
  EXPECT_THAT(queries.Take("t"), ElementsAre(2));
  queries.Remove("u", 1);
  EXPECT_EQ(queries.size(), 0u);
  EXPECT_THAT(queries.Take("u"), IsEmpty());
}

TEST(HeldQueriesTest, OneMoreThanThereIsRoomForIsNotHeld) {
  HeldQueries queries(2);
  EXPECT_TRUE(queries.Hold("t", 1));
  EXPECT_TRUE(queries.Hold("u", 1));
  EXPECT_FALSE(queries.Hold("t", 2));
  EXPECT_THAT(queries.Take("t"), ElementsAre(1));
  EXPECT_TRUE(queries.Hold("t", 2)) << "there is room again";
}

}  // namespace
}  // namespace cairn::core
