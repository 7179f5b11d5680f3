#include "base/fair_queue.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn {
namespace {

std::vector<int> All(FairQueue<int>& queue) {
  std::vector<int> all;
  while (const auto next = queue.Next()) all.push_back(*next);
  return all;
}

TEST(FairQueueTest, OwnersTakeTurnsAndEachIsInOrder) {
  FairQueue<int> queue;
  for (const int item : {1, 2, 3, 4}) queue.Add(item, "much");
  queue.Add(10, "little");
  queue.Add(20, "some");
  queue.Add(21, "some");
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(All(queue), (std::vector{1, 10, 20, 2, 21, 3, 4}));
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueueTest, WhoComesWhileOthersWaitIsNext) {
  FairQueue<int> queue;
  for (const int item : {1, 2, 3, 4}) queue.Add(item, "much");
  EXPECT_EQ(queue.Next(), 1);
  queue.Add(10, "late");
  EXPECT_EQ(All(queue), (std::vector{2, 10, 3, 4}));
}

TEST(FairQueueTest, WhatHasLittleLeftComesBeforeAll) {
  FairQueue<int> queue;
  queue.Add(1, "a");
  queue.AddFirst(2);
  queue.AddFirst(3);
  EXPECT_EQ(All(queue), (std::vector{2, 3, 1}));
}

TEST(FairQueueTest, WhatIsRemovedDoesNotCome) {
  FairQueue<int> queue;
  queue.Add(1, "a");
  queue.Add(2, "a");
  queue.Add(3, "b");
  queue.AddFirst(4);
  for (const int item : {1, 3, 4, 99}) queue.Remove(item);
  queue.Add(5, "b");
  EXPECT_EQ(All(queue), (std::vector{2, 5}));
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace cairn
