#include "edge/back_pressure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/edge_bed.h"

namespace cairn::edge {
namespace {

struct PausedItem {
  size_t memory = 0;
  bool has_tokens = false;
  int resumed = 0;
  bool given_up = false;
  BackPressure<PausedItem>* pressure = nullptr;
  bool touched = false;

  bool holds_queue() const { return memory > 0; }
  size_t queue_memory() const { return memory; }
  size_t queued_bytes() const { return memory / 2; }
  void Queue(size_t bytes) {
    memory += bytes;
    pressure->NoteQueued(static_cast<ptrdiff_t>(bytes));
  }
  void GiveUpQueue() {
    given_up = true;
    pressure->NoteQueued(-static_cast<ptrdiff_t>(memory));
    memory = 0;
  }
  void ResumeReading() { ++resumed; }
  bool ResumeWithTokens() { return has_tokens; }
  void Settle() {}
};

class BackPressureTest : public testing::Test, protected EdgeBed {
 protected:
  BackPressureTest() {
    lane_.Connect(&link_);
    a_.pressure = b_.pressure = c_.pressure = &pressure_;
  }
  // As seen at the end of a turn.
  void SetCongested(bool congested) {
    link_.unaccepted_cost = congested ? 2 * limits_.max_backlog_bytes : 0;
    lane_.Flush();
    ASSERT_EQ(lane_.congested(), congested);
  }

  Turn<PausedItem> turn_{lane_};
  BackPressure<PausedItem> pressure_{lane_, turn_, 100};
  PausedItem a_, b_, c_;
};

TEST_F(BackPressureTest, QueuesWithinTheBoundAreKept) {
  pressure_.NoteBlocked(a_, true);
  a_.Queue(100);
  pressure_.ShortenQueues();
  EXPECT_FALSE(a_.given_up);
  EXPECT_EQ(pressure_.queued(), 100u);
}

TEST_F(BackPressureTest, TheLongestQueuesAreGivenUpUntilTheRestIsWithinTheBound) {
  for (PausedItem* item : {&a_, &b_, &c_}) pressure_.NoteBlocked(*item, true);
  a_.Queue(90);
  b_.Queue(95);
  c_.Queue(80);
  pressure_.ShortenQueues();
  EXPECT_TRUE(b_.given_up);
  EXPECT_TRUE(a_.given_up);
  EXPECT_FALSE(c_.given_up);
  EXPECT_EQ(pressure_.queued(), 80u);
}

TEST_F(BackPressureTest, AQueueThatHasGrownInThisTurnCountsThoughItsSocketIsNotBlocked) {
  pressure_.NoteBlocked(a_, true);
  a_.Queue(60);
  turn_.Touch(b_);
  b_.Queue(90);
  pressure_.ShortenQueues();
  EXPECT_TRUE(b_.given_up);
  EXPECT_FALSE(a_.given_up);
}

TEST_F(BackPressureTest, InputThatIsKeptCountsAsAQueue) {
  pressure_.NoteBlocked(a_, true);
  a_.Queue(60);
  pressure_.NoteKeepsInput(b_, true);
  b_.Queue(90);
  pressure_.ShortenQueues();
  EXPECT_TRUE(b_.given_up);
  EXPECT_FALSE(a_.given_up);
}

TEST_F(BackPressureTest, QueuesThatNobodyHoldsAreNotWaitedFor) {
  pressure_.NoteQueued(1000);
  pressure_.ShortenQueues();  // returns
  EXPECT_EQ(pressure_.queued(), 1000u);
}

TEST_F(BackPressureTest, ReadingPausesWhileTheCoreDoesNotKeepUpAndResumesOnce) {
  EXPECT_FALSE(pressure_.Pauses(a_));
  SetCongested(true);
  EXPECT_TRUE(pressure_.Pauses(a_));
  EXPECT_TRUE(pressure_.Pauses(b_));
  EXPECT_EQ(pressure_.paused(), 2u);
  EXPECT_FALSE(pressure_.may_resume());
  SetCongested(false);
  EXPECT_TRUE(pressure_.may_resume());
  pressure_.Resume();
  EXPECT_EQ(a_.resumed, 1);
  EXPECT_EQ(b_.resumed, 1);
  EXPECT_FALSE(pressure_.may_resume()) << "nobody is paused any more";
}

TEST_F(BackPressureTest, OnlyThoseWithTokensStopWaitingForThem) {
  pressure_.AwaitTokens(a_);
  pressure_.AwaitTokens(b_);
  a_.has_tokens = true;
  pressure_.ResumeWithTokens();
  EXPECT_EQ(pressure_.awaiting_tokens(), 1u);
  b_.has_tokens = true;
  pressure_.ResumeWithTokens();
  EXPECT_EQ(pressure_.awaiting_tokens(), 0u);
}

TEST_F(BackPressureTest, AForgottenItemIsInNoListAndItsQueueIsNotCounted) {
  pressure_.NoteBlocked(a_, true);
  pressure_.AwaitTokens(a_);
  a_.Queue(50);
  b_.Queue(30);
  pressure_.NoteBlocked(b_, true);
  pressure_.Forget(a_);
  EXPECT_EQ(pressure_.queued(), 30u);
  EXPECT_EQ(pressure_.awaiting_tokens(), 0u);
  EXPECT_EQ(pressure_.BlockedQueues().sum, 15u);
}

TEST_F(BackPressureTest, TheFiguresAreOfBlockedQueues) {
  a_.Queue(50);
  b_.Queue(30);
  c_.Queue(10);
  pressure_.NoteBlocked(a_, true);
  pressure_.NoteBlocked(b_, true);
  EXPECT_EQ(pressure_.BlockedQueues().sum, 40u);
  EXPECT_EQ(pressure_.BlockedQueues().max, 25u);
  pressure_.NoteBlocked(a_, false);
  EXPECT_EQ(pressure_.BlockedQueues().max, 15u);
}

}  // namespace
}  // namespace cairn::edge
