#include "core/mesh_link.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/mesh_messages.h"

namespace cairn::core {
namespace {

using signaling::v1::MeshMessage;
using MeshReceipt = MeshLink::Receipt;

class MeshLinkTest : public testing::Test {
 protected:
  void Say(MeshLink& link, uint64_t what) {
    signaling::v1::MeshItem item;
    item.set_tag(what);
    MeshMessage message;
    item.SerializeToString(message.add_items());
    link::MeshOut packed = Packed(message);
    link.Append(packed, now_);
  }
  // Everything that `from` has to say reaches `to`, unless lose() says otherwise.
  template <typename Lose>
  void Carry(MeshLink& from, MeshLink& to, std::vector<uint64_t>& heard, Lose lose) {
    while (from.HasNext()) {
      MeshMessage message = Read(from.Next());
      if (lose()) continue;
      Take(to, message, heard);
    }
  }
  void Take(MeshLink& to, MeshMessage message, std::vector<uint64_t>& heard) {
    const MeshReceipt receipt = to.Receive(message, now_);
    ASSERT_NE(receipt, MeshReceipt::kBroken);
    ASSERT_NE(receipt, MeshReceipt::kNewLink);
    if (receipt != MeshReceipt::kHandle) return;
    for (const auto& item : ItemsOf(message)) heard.push_back(item.tag());
  }
  void Tick() {
    now_ += absl::Milliseconds(100);
    a_.Tick(now_);
    b_.Tick(now_);
  }

  const CoreLimits limits_{};
  absl::Duration now_ = absl::Seconds(1);
  MeshLink a_{1, limits_, now_};
  MeshLink b_{7, limits_, now_};
  std::vector<uint64_t> at_a_, at_b_;
  static constexpr auto kNothingLost = [] { return false; };
};

TEST_F(MeshLinkTest, NothingIsSaidBeforeTheOtherEndIsKnown) {
  Say(a_, 1);
  ASSERT_TRUE(a_.HasNext());
  EXPECT_EQ(a_.Next().count(), 0);
  EXPECT_FALSE(a_.HasNext());
}

TEST_F(MeshLinkTest, BothEndsHearEverythingOnceTheyHaveMet) {
  Say(a_, 1);
  Say(b_, 2);
  for (int i = 0; i < 3; ++i) {
    Carry(a_, b_, at_b_, kNothingLost);
    Carry(b_, a_, at_a_, kNothingLost);
  }
  EXPECT_EQ(at_b_, std::vector<uint64_t>{1});
  EXPECT_EQ(at_a_, std::vector<uint64_t>{2});
  Tick();
  Carry(a_, b_, at_b_, kNothingLost);
  Carry(b_, a_, at_a_, kNothingLost);
  EXPECT_TRUE(a_.idle());
  EXPECT_TRUE(b_.idle());
  EXPECT_EQ(a_.resends() + b_.resends(), 0);
}

TEST_F(MeshLinkTest, ItemsArriveOnceAndInOrderOverABusThatLosesRepeatsAndReorders) {
  std::mt19937 random(1);
  const auto chance = [&random](int percent) { return static_cast<int>(random() % 100) < percent; };
  std::vector<MeshMessage> to_a, to_b;
  const auto gather = [&](MeshLink& from, std::vector<MeshMessage>& flight) {
    while (from.HasNext()) {
      flight.push_back(Read(from.Next()));
      if (chance(20)) flight.pop_back();
      if (!flight.empty() && chance(10)) flight.push_back(flight.back());
      if (flight.size() > 1 && chance(20))
        std::swap(flight.back(), flight[random() % flight.size()]);
    }
  };
  std::vector<uint64_t> said;
  for (uint64_t i = 1; i <= 2'000; ++i) {
    said.push_back(i);
    Say(a_, i);
    Say(b_, i);
    if (i % 3 == 0) {
      gather(a_, to_b);
      gather(b_, to_a);
    }
    if (i % 7 == 0) {
      for (MeshMessage& message : std::exchange(to_b, {})) Take(b_, std::move(message), at_b_);
      for (MeshMessage& message : std::exchange(to_a, {})) Take(a_, std::move(message), at_a_);
      Tick();
    }
  }
  for (int i = 0; i < 50; ++i) {
    Tick();
    Carry(a_, b_, at_b_, kNothingLost);
    Carry(b_, a_, at_a_, kNothingLost);
  }
  EXPECT_EQ(at_a_, said);
  EXPECT_EQ(at_b_, said);
  EXPECT_TRUE(a_.idle());
  EXPECT_TRUE(b_.idle());
}

TEST_F(MeshLinkTest, AnEndThatHasForgottenTheOtherIsNoticed) {
  Say(a_, 1);
  for (int i = 0; i < 3; ++i) {
    Carry(a_, b_, at_b_, kNothingLost);
    Carry(b_, a_, at_a_, kNothingLost);
  }
  MeshLink again(8, limits_, now_);
  MeshMessage hello = Read(again.Next());
  EXPECT_EQ(a_.Receive(hello, now_), MeshReceipt::kNewLink);
  // What the one that is forgotten still says is for nobody.
  MeshMessage late;
  late.set_from_link(7);
  late.set_to_link(2);
  MeshLink next(2, limits_, now_);
  EXPECT_EQ(next.Receive(hello, now_), MeshReceipt::kNothing);
  EXPECT_EQ(next.Receive(late, now_), MeshReceipt::kNothing);
  EXPECT_FALSE(next.known());
}

TEST_F(MeshLinkTest, AnAcknowledgementOfWhatWasNeverSentBreaksIt) {
  MeshMessage message;
  message.set_from_link(7);
  message.set_to_link(1);
  message.set_received(5);
  EXPECT_EQ(a_.Receive(message, now_), MeshReceipt::kBroken);
}

}  // namespace
}  // namespace cairn::core
