#include "core/lane_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/fake_lane.h"
#include "tests/support/link_messages.h"
#include "tests/support/steady_times.h"

namespace cairn::core {
namespace {

using link::Receipt;
using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr auto kIgnore = [](const auto&) {};

class LaneChannelTest : public testing::Test {
 protected:
  void Append(uint64_t seq, absl::Duration now) {
    CoreToLane message = link::Delivery(seq);
    channel_.Append(message, now);
    EXPECT_EQ(message.deliveries_size(), 0) << "not cleared";
  }
  Receipt Acknowledge(uint64_t received, absl::Duration now) {
    LaneToCore message;
    message.set_received(received);
    return channel_.Receive(message, now, kIgnore);
  }
  std::vector<uint64_t> Written() {
    std::vector<uint64_t> numbers;
    for (const CoreToLane& message : stream_->written) numbers.push_back(message.number());
    stream_->written.clear();
    return numbers;
  }
  bool OverdueAt(absl::Duration time) const { return channel_.overdue(time, kTimeout); }

  std::shared_ptr<FakeLaneStream> stream_ = std::make_shared<FakeLaneStream>();
  CoreLimits limits_;
  LaneChannel channel_{5, stream_, limits_, kStart};
};

TEST_F(LaneChannelTest, IsAttachedFromTheStart) {
  EXPECT_TRUE(channel_.attached());
  EXPECT_EQ(channel_.stream(), stream_.get());
  EXPECT_EQ(channel_.number(), 5u);
  EXPECT_EQ(channel_.received(), 0u);
  EXPECT_EQ(channel_.cost(), 0u);
}

TEST_F(LaneChannelTest, WritesOneMessageAtATimeAndGathersMeanwhile) {
  stream_->one_at_a_time = true;
  Append(1, kStart);
  channel_.Pump();
  EXPECT_THAT(Written(), ElementsAre(1));
  Append(2, kStart);
  Append(3, kStart);
  channel_.Pump();
  EXPECT_THAT(Written(), IsEmpty());
  stream_->busy = false;
  channel_.Pump();
  ASSERT_THAT(stream_->written, SizeIs(1));
  EXPECT_EQ(stream_->written[0].deliveries_size(), 2);
}

TEST_F(LaneChannelTest, OnTheNextStreamWhatTheLaneHasNotHandledIsWrittenAgain) {
  for (uint64_t seq = 1; seq <= 3; ++seq) {
    Append(seq, kStart);
    channel_.Pump();
  }
  EXPECT_THAT(Written(), ElementsAre(1, 2, 3));
  EXPECT_EQ(channel_.Detach(), stream_);
  EXPECT_FALSE(channel_.attached());
  Append(4, kStart);
  std::vector<uint64_t> released;
  EXPECT_TRUE(channel_.Resume(stream_, 2, kStart, [&](const CoreToLane& message) {
    released.push_back(message.number());
  }));
  EXPECT_THAT(released, ElementsAre(1, 2));
  channel_.Pump();
  EXPECT_THAT(Written(), ElementsAre(3, 4));
}

TEST_F(LaneChannelTest, ALaneThatHasWhatItWasNeverSentIsNotResumed) {
  Append(1, kStart);
  channel_.Pump();
  channel_.Detach();
  EXPECT_FALSE(channel_.Resume(stream_, 2, kStart, kIgnore));
  EXPECT_FALSE(channel_.attached());
}

TEST_F(LaneChannelTest, ALaneThatOwesNothingIsOverdueWhenItIsSilent) {
  EXPECT_FALSE(OverdueAt(kStart + kTimeout));
  EXPECT_TRUE(OverdueAt(kStart + kTimeout + absl::Nanoseconds(1)));
  EXPECT_EQ(Acknowledge(0, kStart + absl::Seconds(9)), Receipt::kNothing);
  EXPECT_FALSE(OverdueAt(kStart + absl::Seconds(19)));
  EXPECT_TRUE(OverdueAt(kStart + absl::Seconds(20)));
}

TEST_F(LaneChannelTest, OfALaneThatOwesAnAnswerOnlyAnAnswerCounts) {
  Append(1, kStart + absl::Seconds(5));
  channel_.Pump();
  for (int second = 6; second <= 15; ++second)
    EXPECT_EQ(Acknowledge(0, kStart + absl::Seconds(second)), Receipt::kNothing);
  EXPECT_FALSE(OverdueAt(kStart + absl::Seconds(15))) << "counted from when it began to owe";
  EXPECT_TRUE(OverdueAt(kStart + absl::Seconds(16)));
  EXPECT_EQ(Acknowledge(1, kStart + absl::Seconds(16)), Receipt::kNothing);
  EXPECT_FALSE(OverdueAt(kStart + absl::Seconds(26)));
}

TEST_F(LaneChannelTest, EveryPartOfItsDebtThatItAnswersCounts) {
  for (uint64_t seq = 1; seq <= 3; ++seq) {
    Append(seq, kStart);
    channel_.Pump();
  }
  EXPECT_EQ(Acknowledge(1, kStart + absl::Seconds(8)), Receipt::kNothing);
  EXPECT_EQ(Acknowledge(2, kStart + absl::Seconds(16)), Receipt::kNothing);
  EXPECT_FALSE(OverdueAt(kStart + absl::Seconds(26)));
  EXPECT_TRUE(OverdueAt(kStart + absl::Seconds(27)));
}

TEST_F(LaneChannelTest, WhatIsAppendedWhileItOwesDoesNotPutTheEndOff) {
  Append(1, kStart);
  Append(2, kStart + absl::Seconds(9));
  EXPECT_TRUE(OverdueAt(kStart + absl::Seconds(11)));
}

TEST_F(LaneChannelTest, WithoutAStreamWhatIsAppendedDoesNotPutTheEndOff) {
  channel_.Detach();
  Append(1, kStart + absl::Seconds(9));
  EXPECT_FALSE(OverdueAt(kStart + kTimeout));
  EXPECT_TRUE(OverdueAt(kStart + kTimeout + kInstant));
}

TEST_F(LaneChannelTest, ALaneIsFullAboveItsBoundOrFourOfTheLargestMessages) {
  EXPECT_FALSE(channel_.full(0)) << "with nothing in it";
  Append(1, kStart);
  const size_t one = channel_.cost();
  for (uint64_t seq = 2; seq <= 4; ++seq) Append(seq, kStart);
  EXPECT_FALSE(channel_.full(0));
  Append(5, kStart);
  EXPECT_TRUE(channel_.full(0));
  EXPECT_FALSE(channel_.full(5 * one));
  EXPECT_TRUE(channel_.full(5 * one - 1));
}

TEST_F(LaneChannelTest, ACoreThatWasStoppedGivesItTheGrace) {
  const absl::Duration later = kStart + absl::Hours(1);
  channel_.Excuse(later, kTimeout, absl::Seconds(2));
  EXPECT_FALSE(OverdueAt(later + absl::Seconds(2)));
  EXPECT_TRUE(OverdueAt(later + absl::Seconds(2) + kInstant));
  // One that has answered a moment ago keeps all of its time.
  EXPECT_EQ(Acknowledge(0, later), Receipt::kNothing);
  channel_.Excuse(later, kTimeout, absl::Seconds(2));
  EXPECT_FALSE(OverdueAt(later + kTimeout));
}

TEST_F(LaneChannelTest, ANewStreamIsAnAnswer) {
  Append(1, kStart);
  channel_.Detach();
  EXPECT_TRUE(channel_.Resume(stream_, 0, kStart + absl::Seconds(10), kIgnore));
  EXPECT_FALSE(OverdueAt(kStart + absl::Seconds(20)));
  EXPECT_TRUE(OverdueAt(kStart + absl::Seconds(21)));
}

}  // namespace
}  // namespace cairn::core
