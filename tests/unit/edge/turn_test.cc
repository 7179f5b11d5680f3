#include "edge/turn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/edge_bed.h"

namespace cairn::edge {
namespace {

using testing::ElementsAre;

struct TurnItem {
  std::string name;
  std::vector<std::string>& log;
  std::function<void()> on_settle = [] {};
  uint64_t work = 0;  // of a turn that it takes
  Turn<TurnItem>* turn = nullptr;
  bool touched = false;
  bool waits = false;

  void Settle() {
    log.push_back("settle " + name);
    on_settle();
  }
  void TakeTurn() {
    log.push_back("turn " + name);
    waits = false;
    turn->NoteHeard(work);
  }
  bool awaits_turn() const { return waits; }
};

class TurnTest : public testing::Test, protected EdgeBed {
 protected:
  TurnTest() { lane_.Connect(&link_); }

  TurnItem NewItem(std::string name) {
    TurnItem item{std::move(name), log_};
    item.turn = &turn_;
    return item;
  }
  void Await(TurnItem& item) {
    item.waits = true;
    turn_.Await(item);
  }
  void Settle() {
    turn_.Settle([this](TurnItem& item) {
      turn_.Forget(item);
      log_.push_back("remove " + item.name);
    });
  }

  std::vector<std::string> log_;
  Turn<TurnItem> turn_{lane_};
  TurnItem a_ = NewItem("a"), b_ = NewItem("b");
};

TEST_F(TurnTest, AnItemThatIsTouchedTwiceIsSettledOnce) {
  turn_.Touch(a_);
  turn_.Touch(b_);
  turn_.Touch(a_);
  Settle();
  EXPECT_THAT(log_, ElementsAre("settle a", "settle b"));
  Settle();
  EXPECT_EQ(log_.size(), 2u);
}

TEST_F(TurnTest, AnItemThatIsTouchedWhileOthersAreSettledIsSettledInTheSameTurn) {
  turn_.Touch(a_);
  a_.on_settle = [this] { turn_.Touch(b_); };
  Settle();
  EXPECT_THAT(log_, ElementsAre("settle a", "settle b"));
}

TEST_F(TurnTest, ARetiredItemIsRemovedAfterTheOthersAreSettled) {
  turn_.Touch(a_);
  turn_.Touch(b_);
  a_.on_settle = [this] { turn_.Retire(a_); };
  Settle();
  EXPECT_THAT(log_, ElementsAre("settle a", "settle b", "remove a"));
}

TEST_F(TurnTest, ARemovedItemIsNeitherSettledNorGivenATurn) {
  turn_.Retire(a_);
  turn_.Touch(a_);
  a_.on_settle = [this] {
    if (log_.size() == 1) turn_.Touch(a_);  // while it is being settled
  };
  Await(a_);
  Settle();
  EXPECT_FALSE(turn_.has_more());
  turn_.TakeTurns();
  EXPECT_THAT(log_, ElementsAre("settle a", "remove a"));
  EXPECT_TRUE(turn_.touched().empty());
}

TEST_F(TurnTest, ItemsTakeTheirTurnsInTheOrderOfArrivalAsFarAsTheTurnAllows) {
  a_.work = kHearingPerTurn;
  Await(a_);
  Await(b_);
  turn_.TakeTurns();
  EXPECT_THAT(log_, ElementsAre("turn a"));
  EXPECT_FALSE(turn_.may_hear());
  EXPECT_TRUE(turn_.has_more());
  turn_.End();
  turn_.TakeTurns();
  EXPECT_THAT(log_, ElementsAre("turn a", "turn b"));
  EXPECT_FALSE(turn_.has_more());
}

TEST_F(TurnTest, TheBatchGoesToTheCoreBeforeAndAfterItemsAreSettled) {
  Settle();
  link_.submitted.clear();
  lane_.Join(7, nullptr, {});
  turn_.Touch(a_);
  a_.on_settle = [this] {
    EXPECT_EQ(link_.submitted.size(), 1u);
    lane_.Join(8, nullptr, {});
  };
  Settle();
  EXPECT_EQ(link_.submitted.size(), 2u);
}

TEST_F(TurnTest, ALongHandshakeAtATimeAndTheAddressesTakeTurns) {
  TurnItem c = NewItem("c"), d = NewItem("d");
  for (TurnItem* item : {&a_, &b_, &c}) {
    item->work = kHearingPerTurn;
    item->waits = true;
    turn_.AwaitHandshake(*item, "one address", /*answered=*/false);
  }
  d.waits = true;
  turn_.AwaitHandshake(d, "another", /*answered=*/false);
  EXPECT_TRUE(turn_.has_more());
  turn_.TakeTurns();
  EXPECT_THAT(log_, ElementsAre("turn a"));
  turn_.End();
  turn_.TakeTurns();
  EXPECT_THAT(log_, ElementsAre("turn a", "turn d", "turn b"));
  turn_.End();
  turn_.Forget(c);
  EXPECT_FALSE(turn_.has_more());
}

TEST_F(TurnTest, ClientsThatHaveMuchToSayDoNotKeepAHandshakeWaiting) {
  a_.work = kHearingPerTurn;
  Await(a_);
  Await(b_);
  TurnItem c = NewItem("c");
  c.waits = true;
  turn_.AwaitHandshake(c, "an address", /*answered=*/false);
  turn_.TakeTurns();
  EXPECT_THAT(log_, ElementsAre("turn a", "turn c"));
}

}  // namespace
}  // namespace cairn::edge
