#include "edge/deadline_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace cairn::edge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Item : DeadlineHook {
  explicit Item(std::string item_name) : name(std::move(item_name)) {}
  std::string name;
};

absl::Duration At(int seconds) { return absl::Seconds(seconds); }

std::vector<std::string> Due(DeadlineList<Item>& list, absl::Duration now) {
  std::vector<std::string> names;
  while (const Item* item = list.PopDue(now)) names.push_back(item->name);
  return names;
}

TEST(DeadlineList, AnItemIsDueAfterItsWaitAndNotBefore) {
  DeadlineList<Item> list(absl::Seconds(10));
  Item a("a");
  list.Restart(a, At(5));
  EXPECT_EQ(list.PopDue(At(15) - absl::Nanoseconds(1)), nullptr);
  EXPECT_EQ(list.PopDue(At(15)), &a);
  EXPECT_EQ(list.PopDue(At(100)), nullptr);
}

TEST(DeadlineList, ItemsComeInTheOrderOfTheirDeadlines) {
  DeadlineList<Item> list(absl::Seconds(10));
  Item a("a"), b("b"), c("c"), d("d");
  list.Restart(a, At(0));
  list.Restart(b, At(1));
  list.Restart(c, At(1));
  list.Restart(d, At(9));
  EXPECT_THAT(Due(list, At(11)), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Due(list, At(18)), IsEmpty());
  EXPECT_THAT(Due(list, At(19)), ElementsAre("d"));
}

TEST(DeadlineList, RestartingMovesAnItemToTheEnd) {
  DeadlineList<Item> list(absl::Seconds(10));
  Item a("a"), b("b");
  list.Restart(a, At(0));
  list.Restart(b, At(1));
  list.Restart(a, At(2));
  EXPECT_THAT(Due(list, At(11)), ElementsAre("b"));
  EXPECT_THAT(Due(list, At(12)), ElementsAre("a"));
}

TEST(DeadlineList, AnItemIsInOneListAtATime) {
  DeadlineList<Item> handshake(absl::Seconds(10));
  DeadlineList<Item> ping(absl::Seconds(25));
  Item a("a");
  handshake.Restart(a, At(0));
  ping.Restart(a, At(1));
  EXPECT_THAT(Due(handshake, At(100)), IsEmpty());
  EXPECT_THAT(Due(ping, At(25)), IsEmpty());
  EXPECT_THAT(Due(ping, At(26)), ElementsAre("a"));
}

TEST(DeadlineList, ADestroyedItemIsNotListed) {
  DeadlineList<Item> list(absl::Seconds(10));
  Item a("a"), c("c");
  auto b = std::make_unique<Item>("b");
  list.Restart(a, At(0));
  list.Restart(*b, At(0));
  list.Restart(c, At(0));
  b.reset();
  EXPECT_THAT(Due(list, At(10)), ElementsAre("a", "c"));
}

TEST(DeadlineList, APoppedItemMayBeRestarted) {
  DeadlineList<Item> list(absl::Seconds(10));
  Item a("a");
  list.Restart(a, At(0));
  ASSERT_EQ(list.PopDue(At(10)), &a);
  list.Restart(a, At(10));
  EXPECT_EQ(list.PopDue(At(19)), nullptr);
  EXPECT_EQ(list.PopDue(At(20)), &a);
}

TEST(DeadlineList, AnItemMayBeDestroyedWhileInNoList) {
  DeadlineList<Item> list(absl::Seconds(10));
  {
    Item a("a");
    list.Restart(a, At(0));
    list.PopDue(At(10));
  }
  EXPECT_THAT(Due(list, At(100)), IsEmpty());
}

TEST(DeadlineList, TheOldestCanBeTakenBeforeItIsDue) {
  DeadlineList<Item> list(absl::Seconds(10));
  Item first("first"), second("second");
  list.Restart(first, absl::Seconds(100));
  list.Restart(second, absl::Seconds(102));
  EXPECT_EQ(list.PopOlderThan(absl::Seconds(1), absl::Seconds(100.5)), nullptr);
  EXPECT_EQ(list.PopOlderThan(absl::Seconds(1), absl::Seconds(102)), &first);
  EXPECT_EQ(list.PopOlderThan(absl::Seconds(1), absl::Seconds(102)), nullptr);
  EXPECT_EQ(list.PopOldest(), &second);
  EXPECT_EQ(list.PopOldest(), nullptr);
}

}  // namespace
}  // namespace cairn::edge
