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

struct NamedItem : DeadlineHook {
  explicit NamedItem(std::string item_name) : name(std::move(item_name)) {}
  std::string name;
};

absl::Duration AtSecond(int seconds) { return absl::Seconds(seconds); }

std::vector<std::string> Due(DeadlineList<NamedItem>& list, absl::Duration now) {
  std::vector<std::string> names;
  while (const NamedItem* item = list.PopDue(now)) names.push_back(item->name);
  return names;
}

TEST(DeadlineList, AnItemIsDueAfterItsWaitAndNotBefore) {
  DeadlineList<NamedItem> list(absl::Seconds(10));
  NamedItem a("a");
  list.Restart(a, AtSecond(5));
  EXPECT_EQ(list.PopDue(AtSecond(15) - absl::Nanoseconds(1)), nullptr);
  EXPECT_EQ(list.PopDue(AtSecond(15)), &a);
  EXPECT_EQ(list.PopDue(AtSecond(100)), nullptr);
}

TEST(DeadlineList, ItemsComeInTheOrderOfTheirDeadlines) {
  DeadlineList<NamedItem> list(absl::Seconds(10));
  NamedItem a("a"), b("b"), c("c"), d("d");
  list.Restart(a, AtSecond(0));
  list.Restart(b, AtSecond(1));
  list.Restart(c, AtSecond(1));
  list.Restart(d, AtSecond(9));
  EXPECT_THAT(Due(list, AtSecond(11)), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Due(list, AtSecond(18)), IsEmpty());
  EXPECT_THAT(Due(list, AtSecond(19)), ElementsAre("d"));
}

TEST(DeadlineList, RestartingMovesAnItemToTheEnd) {
  DeadlineList<NamedItem> list(absl::Seconds(10));
  NamedItem a("a"), b("b");
  list.Restart(a, AtSecond(0));
  list.Restart(b, AtSecond(1));
  list.Restart(a, AtSecond(2));
  EXPECT_THAT(Due(list, AtSecond(11)), ElementsAre("b"));
  EXPECT_THAT(Due(list, AtSecond(12)), ElementsAre("a"));
}

TEST(DeadlineList, AnItemIsInOneListAtATime) {
  DeadlineList<NamedItem> handshake(absl::Seconds(10));
  DeadlineList<NamedItem> ping(absl::Seconds(25));
  NamedItem a("a");
  handshake.Restart(a, AtSecond(0));
  ping.Restart(a, AtSecond(1));
  EXPECT_THAT(Due(handshake, AtSecond(100)), IsEmpty());
  EXPECT_THAT(Due(ping, AtSecond(25)), IsEmpty());
  EXPECT_THAT(Due(ping, AtSecond(26)), ElementsAre("a"));
}

TEST(DeadlineList, ADestroyedItemIsNotListed) {
  DeadlineList<NamedItem> list(absl::Seconds(10));
  NamedItem a("a"), c("c");
  auto b = std::make_unique<NamedItem>("b");
  list.Restart(a, AtSecond(0));
  list.Restart(*b, AtSecond(0));
  list.Restart(c, AtSecond(0));
  b.reset();
  EXPECT_THAT(Due(list, AtSecond(10)), ElementsAre("a", "c"));
}

TEST(DeadlineList, APoppedItemMayBeRestarted) {
  DeadlineList<NamedItem> list(absl::Seconds(10));
  NamedItem a("a");
  list.Restart(a, AtSecond(0));
  ASSERT_EQ(list.PopDue(AtSecond(10)), &a);
  list.Restart(a, AtSecond(10));
  EXPECT_EQ(list.PopDue(AtSecond(19)), nullptr);
  EXPECT_EQ(list.PopDue(AtSecond(20)), &a);
}

TEST(DeadlineList, AnItemMayBeDestroyedWhileInNoList) {
  DeadlineList<NamedItem> list(absl::Seconds(10));
  {
    NamedItem a("a");
    list.Restart(a, AtSecond(0));
    list.PopDue(AtSecond(10));
  }
  EXPECT_THAT(Due(list, AtSecond(100)), IsEmpty());
}

TEST(DeadlineList, TheOldestCanBeTakenBeforeItIsDue) {
  DeadlineList<NamedItem> list(absl::Seconds(10));
  NamedItem first("first"), second("second");
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
