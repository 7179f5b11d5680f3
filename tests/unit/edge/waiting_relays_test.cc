#include "edge/waiting_relays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cairn::edge {
namespace {

using signaling::v1::Delivery;
using signaling::v1::Notice;
using testing::ElementsAre;

Delivery Relayed(uint64_t from, const std::string& payload, const std::string& topic = "t") {
  Delivery delivery;
  delivery.set_from(from);
  delivery.set_topic(topic);
  delivery.set_payload(payload);
  return delivery;
}

std::vector<std::string> TakeAll(WaitingRelays& waiting) {
  std::vector<std::string> taken;
  while (!waiting.empty()) {
    const WaitingRelays::Item item = waiting.Take();
    const auto* delivery = std::get_if<Delivery>(&item);
    taken.push_back(delivery ? delivery->payload() : "notice");
  }
  return taken;
}

TEST(WaitingRelaysTest, SendersTakeTurnsAndTheRelaysOfEachKeepTheirOrder) {
  WaitingRelays waiting;
  for (const char* payload : {"1a", "1b", "1c"}) waiting.Add(1, Relayed(1, payload));
  waiting.Add(2, Relayed(2, "2a"));
  waiting.Add(1, Notice());
  waiting.Add(3, Relayed(3, "3a"));
  EXPECT_TRUE(waiting.HasOf(3));
  EXPECT_THAT(TakeAll(waiting), ElementsAre("1a", "2a", "3a", "1b", "1c", "notice"));
  EXPECT_EQ(waiting.cost(), 0u);
  EXPECT_FALSE(waiting.HasOf(1));
}

TEST(WaitingRelaysTest, OnlyTheNextUndirectedRelayOfTheSameTopicIsDeliveredWithIt) {
  WaitingRelays waiting;
  waiting.Add(1, Relayed(1, "a"));
  waiting.Add(1, Relayed(1, "b"));
  waiting.Add(1, Relayed(1, "c", "u"));
  EXPECT_FALSE(waiting.TakeAlso(2, "t"));
  EXPECT_EQ(waiting.TakeAlso(1, "t")->payload(), "a");
  EXPECT_EQ(waiting.TakeAlso(1, "t")->payload(), "b");
  EXPECT_FALSE(waiting.TakeAlso(1, "t")) << "its order would not be kept";
  EXPECT_EQ(waiting.TakeAlso(1, "u")->payload(), "c");
  EXPECT_TRUE(waiting.empty());
  EXPECT_EQ(waiting.cost(), 0u);
  Delivery to_one = Relayed(1, "d");
  to_one.set_to(5);
  waiting.Add(1, to_one);
  EXPECT_FALSE(waiting.TakeAlso(1, "t"));
  waiting.Take();
  waiting.Add(1, Notice());
  EXPECT_FALSE(waiting.TakeAlso(1, "t"));
}

}  // namespace
}  // namespace cairn::edge
