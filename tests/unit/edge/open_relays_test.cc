#include "edge/open_relays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "proto/link/cost.h"

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;

LaneEvent Relay(uint64_t seq, size_t payload_bytes = 10) {
  LaneEvent event;
  event.set_kind(LaneEvent::KIND_RELAYED);
  event.set_seq(seq);
  event.set_payload(std::string(payload_bytes, 'x'));
  event.set_wants_receipt(true);
  return event;
}

class OpenRelaysTest : public testing::Test {
 protected:
  void Keep(uint64_t seq, size_t payload_bytes = 10) {
    LaneEvent event = Relay(seq, payload_bytes);
    open_.Keep(event);
  }
  std::vector<uint64_t> TakeNumbers() {
    std::vector<uint64_t> numbers;
    for (const LaneEvent& event : open_.TakeAll()) {
      EXPECT_EQ(event.kind(), LaneEvent::KIND_RELAYED);
      EXPECT_FALSE(event.payload().empty());
      numbers.push_back(event.seq());
    }
    EXPECT_TRUE(open_.empty());
    EXPECT_EQ(open_.cost(), 0u);
    return numbers;
  }

  OpenRelays open_;
};

TEST_F(OpenRelaysTest, AreKeptUntilTheyAreSettledEachOnItsOwn) {
  for (uint64_t seq = 1; seq <= 6; ++seq) Keep(seq);
  EXPECT_EQ(open_.size(), 6u);
  EXPECT_EQ(open_.cost(), 6 * link::CostOf(Relay(1)));
  open_.Settle(3, 4);
  open_.Settle(6, 6);
  EXPECT_EQ(open_.size(), 3u);
  EXPECT_EQ(open_.cost(), 3 * link::CostOf(Relay(1)));
  EXPECT_THAT(TakeNumbers(), ElementsAre(1, 2, 5));
}

TEST_F(OpenRelaysTest, SettlingTwiceOrAnUnknownRelayHasNoEffect) {
  for (const uint64_t seq : {5u, 7u, 9u}) Keep(seq);
  open_.Settle(7, 7);
  open_.Settle(7, 7);
  open_.Settle(6, 6);
  open_.Settle(1, 4);
  open_.Settle(10, 1000);
  EXPECT_EQ(open_.size(), 2u);
  EXPECT_THAT(TakeNumbers(), ElementsAre(5, 9));
  open_.Settle(1, 1000);
  EXPECT_TRUE(open_.empty());
}

TEST_F(OpenRelaysTest, ASenderThatHasItsReceiptGetsNoOther) {
  Keep(1);
  Keep(2);
  Keep(3);
  open_.Settle(3, 3);
  for (const uint64_t seq : {2u, 3u, 4u}) open_.ReceiptGiven(seq);
  const auto events = open_.TakeAll();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(events[0].wants_receipt());
  EXPECT_FALSE(events[1].wants_receipt());
}

TEST_F(OpenRelaysTest, AReusedEntryHasNothingOfTheOldRelay) {
  Keep(1);
  open_.ReceiptGiven(1);
  open_.Settle(1, 1);
  LaneEvent plain;
  plain.set_seq(2);
  open_.Keep(plain);
  const auto events = open_.TakeAll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].payload(), "");
  EXPECT_EQ(events[0].seq(), 2u);
}

TEST_F(OpenRelaysTest, ASettledOneLeavesItsMemoryToTheNext) {
  const auto memory_after = [this](uint64_t seq, size_t payload_bytes) {
    Keep(seq, payload_bytes);
    open_.Settle(seq, seq);
    LaneEvent place = Relay(seq + 1);
    open_.Keep(place);
    open_.Settle(seq + 1, seq + 1);
    return place.payload().capacity();
  };
  EXPECT_GE(memory_after(1, 1500), 1500u);
  EXPECT_LT(memory_after(3, 60'000), 2048u);
}

TEST_F(OpenRelaysTest, AfterAllWereTakenLowerNumbersMayCome) {
  Keep(5);
  EXPECT_THAT(TakeNumbers(), ElementsAre(5));
  EXPECT_THAT(TakeNumbers(), IsEmpty());
  Keep(3);
  EXPECT_THAT(TakeNumbers(), ElementsAre(3));
}

TEST_F(OpenRelaysTest, RandomSettlingsKeepTheBooks) {
  std::mt19937 random(1);
  std::map<uint64_t, size_t> model;
  uint64_t last = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      last += 1 + random() % 2;
      const size_t payload = 1 + random() % 3000;
      model[last] = link::CostOf(Relay(last, payload));
      Keep(last, payload);
    } else {
      const uint64_t first = last - std::min<uint64_t>(last, random() % 100);
      const uint64_t end = first + random() % 4;
      open_.Settle(first, end);
      model.erase(model.lower_bound(first), model.upper_bound(end));
    }
    size_t cost = 0;
    if (step % 100 != 0) continue;
    for (const auto& [seq, one] : model) cost += one;
    ASSERT_EQ(open_.cost(), cost) << "step " << step;
    ASSERT_EQ(open_.size(), model.size());
  }
  std::vector<uint64_t> left;
  for (const auto& [seq, one] : model) left.push_back(seq);
  EXPECT_EQ(TakeNumbers(), left);
}

TEST(OpenRelaysDeathTest, NumbersAscend) {
  OpenRelays open;
  LaneEvent event = Relay(5);
  open.Keep(event);
  LaneEvent same = Relay(5);
  EXPECT_DEATH(open.Keep(same), "broken invariant");
}

}  // namespace
}  // namespace cairn::edge
