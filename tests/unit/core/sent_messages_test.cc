#include "core/sent_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using testing::ElementsAre;
using testing::IsEmpty;

CoreToLane WithDeliveries(uint64_t first, uint64_t last) {
  CoreToLane message;
  for (uint64_t seq = first; seq <= last; ++seq) message.add_deliveries()->set_seq(seq);
  return message;
}

std::vector<uint64_t> FirstOfEach(SentMessages& sent) {
  std::vector<uint64_t> numbers;
  for (const CoreToLane& message : sent.Take()) numbers.push_back(message.deliveries(0).seq());
  return numbers;
}

TEST(SentMessages, KeepsWhatHasDeliveriesUntilTheLastOfThemIsAnsweredFor) {
  SentMessages sent;
  for (uint64_t first : {1u, 4u, 7u}) {
    CoreToLane message = WithDeliveries(first, first + 2);
    sent.Keep(message);
    EXPECT_EQ(message.deliveries_size(), 0);
  }
  CoreToLane without;
  without.set_acked_seq(5);
  sent.Keep(without);
  EXPECT_EQ(without.acked_seq(), 0u);
  sent.Acknowledged(5);
  EXPECT_THAT(FirstOfEach(sent), ElementsAre(4, 7)) << "the second is answered for in part only";
  EXPECT_THAT(FirstOfEach(sent), IsEmpty());
}

TEST(SentMessages, GivesTheMemoryOfOldMessagesToNewOnes) {
  SentMessages sent;
  CoreToLane first = WithDeliveries(1, 8);
  sent.Keep(first);
  sent.Acknowledged(8);
  CoreToLane second = WithDeliveries(9, 9);
  sent.Keep(second);
  EXPECT_EQ(second.deliveries().ClearedCount(), 8);
}

}  // namespace
}  // namespace cairn::core
