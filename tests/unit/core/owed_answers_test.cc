#include "core/owed_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cairn::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> TakeAll(OwedAnswers& owed) {
  std::vector<std::string> taken;
  while (!owed.empty()) {
    const OwedAnswers::Query query = owed.Take();
    taken.push_back(std::to_string(query.peer) + query.topic);
  }
  return taken;
}

TEST(OwedAnswersTest, PeersTakeTurnsAndEachGetsItsOwnInOrder) {
  OwedAnswers owed;
  for (const char* topic : {"a", "b", "c"}) owed.Add({1, topic});
  owed.Add({2, "x"});
  owed.Add({3, "y"});
  EXPECT_EQ(owed.size(), 5u);
  EXPECT_THAT(TakeAll(owed), ElementsAre("1a", "2x", "3y", "1b", "1c"));
  EXPECT_EQ(owed.size(), 0u);
}

TEST(OwedAnswersTest, ATopicThatIsQueriedTwiceIsAnsweredOnce) {
  OwedAnswers owed;
  owed.Add({1, "a"});
  owed.Add({1, "a"});
  owed.Add({2, "a"});
  EXPECT_THAT(TakeAll(owed), ElementsAre("1a", "2a"));
}

TEST(OwedAnswersTest, OnePeerIsOwedABoundedNumber) {
  OwedAnswers owed;
  for (size_t i = 0; i < 2 * OwedAnswers::kMaxPerPeer; ++i) owed.Add({1, std::to_string(i)});
  EXPECT_EQ(owed.size(), OwedAnswers::kMaxPerPeer);
}

TEST(OwedAnswersTest, EndedQueriesAreForgotten) {
  OwedAnswers owed;
  for (const char* topic : {"a", "b"}) owed.Add({1, topic});
  owed.Add({2, "a"});
  owed.Remove(1, "a");
  owed.Remove(1, "unknown");
  owed.Remove(3);
  owed.Remove(2);
  EXPECT_THAT(TakeAll(owed), ElementsAre("1b"));
  owed.Add({2, "a"});
  owed.Remove(2, "a");
  EXPECT_THAT(TakeAll(owed), IsEmpty());
}

}  // namespace
}  // namespace cairn::core
