#include "edge/connection_deadlines.h"

#include <gtest/gtest.h>

namespace cairn::edge {
namespace {

struct TimedItem : DeadlineHook {
  bool in_handshake = false;
};

class ConnectionDeadlinesTest : public testing::Test {
 protected:
  static EdgeLimits Limits() {
    EdgeLimits limits;
    limits.handshake_timeout = absl::Seconds(10);
    limits.ping_interval = absl::Seconds(25);
    limits.close_timeout = absl::Seconds(2);
    return limits;
  }
  static absl::Duration At(int seconds) { return absl::Seconds(seconds); }

  TimedItem a_, b_, c_;
  ConnectionDeadlines<TimedItem> deadlines_{Limits(), 2};
};

TEST_F(ConnectionDeadlinesTest, EachWaitHasItsOwnTime) {
  deadlines_.AwaitUpgrade(a_, At(0));
  deadlines_.AwaitPing(b_, At(0));
  deadlines_.AwaitEnd(c_, At(0));
  EXPECT_EQ(deadlines_.PopDue(At(1)), nullptr);
  EXPECT_EQ(deadlines_.PopDue(At(2)), &c_);
  EXPECT_EQ(deadlines_.PopDue(At(2)), nullptr) << "it is returned once";
  EXPECT_EQ(deadlines_.PopDue(At(10)), &a_);
  EXPECT_EQ(deadlines_.PopDue(At(24)), nullptr);
  EXPECT_EQ(deadlines_.PopDue(At(25)), &b_);
}

TEST_F(ConnectionDeadlinesTest, ANewWaitTakesThePlaceOfTheOldOne) {
  deadlines_.AwaitUpgrade(a_, At(0));
  deadlines_.AwaitPing(a_, At(5));
  EXPECT_EQ(deadlines_.PopDue(At(29)), nullptr);
  deadlines_.AwaitEnd(a_, At(29));
  EXPECT_EQ(deadlines_.PopDue(At(31)), &a_);
}

TEST_F(ConnectionDeadlinesTest, TheOldestHandshakeIsTooManyAndNoOther) {
  deadlines_.AwaitUpgrade(a_, At(0));
  deadlines_.AwaitUpgrade(b_, At(1));
  EXPECT_EQ(deadlines_.PopExcess(), nullptr);
  deadlines_.AwaitUpgrade(c_, At(2));
  ASSERT_EQ(deadlines_.PopExcess(), &a_);
  deadlines_.EndHandshake(a_);
  deadlines_.EndHandshake(a_);  // counts once
  EXPECT_EQ(deadlines_.PopExcess(), nullptr);
}

TEST_F(ConnectionDeadlinesTest, AConnectionThatIsOpenIsNoHandshake) {
  for (TimedItem* item : {&a_, &b_}) deadlines_.AwaitUpgrade(*item, At(0));
  deadlines_.AwaitPing(a_, At(0));
  deadlines_.AwaitUpgrade(c_, At(0));
  EXPECT_EQ(deadlines_.PopExcess(), nullptr);
}

TEST_F(ConnectionDeadlinesTest, OnlyHandshakesThatTakeLongAreSilent) {
  deadlines_.AwaitPing(a_, At(0));
  deadlines_.AwaitUpgrade(b_, At(0));
  EXPECT_EQ(deadlines_.PopSilent(absl::Seconds(2), At(1)), nullptr);
  EXPECT_EQ(deadlines_.PopSilent(absl::Seconds(2), At(2)), &b_);
  EXPECT_EQ(deadlines_.PopSilent(absl::Seconds(2), At(9)), nullptr);
}

TEST_F(ConnectionDeadlinesTest, ADestroyedItemIsNotReturned) {
  {
    TimedItem gone;
    deadlines_.AwaitEnd(gone, At(0));
  }
  EXPECT_EQ(deadlines_.PopDue(At(100)), nullptr);
}

}  // namespace
}  // namespace cairn::edge
