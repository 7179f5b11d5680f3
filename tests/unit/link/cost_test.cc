#include "proto/link/cost.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/link_messages.h"

namespace cairn::link {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

// Bounds are held against costs: one that is too low lets memory grow past them, one that is far
// too high wastes it.
constexpr size_t kMaxFactor = 3;

// Not below what protobuf says that the message holds, nor below what it takes on the wire.
template <typename Item>
void ExpectHonest(const Item& item, const char* what) {
  const size_t cost = CostOf(item);
  EXPECT_GE(cost, item.SpaceUsedLong()) << what;
  EXPECT_GE(cost, item.ByteSizeLong()) << what;
  EXPECT_LE(cost, kMaxFactor * item.SpaceUsedLong()) << what;
}

LaneEvent Event(size_t topic_bytes, size_t payload_bytes) {
  LaneEvent event;
  event.set_kind(LaneEvent::KIND_RELAYED);
  event.set_peer(~uint64_t{0});
  event.set_seq(~uint64_t{0});
  event.set_topic(std::string(topic_bytes, 't'));
  event.set_payload(std::string(payload_bytes, 'p'));
  return event;
}

TEST(Cost, OfAnItemIsTheMemoryThatItTakes) {
  for (const size_t bytes : {1u, 15u, 16u, 64u, 1000u, 65'536u}) {
    ExpectHonest(Event(bytes, bytes), "relay");
    ExpectHonest(Event(bytes, 0), "relay of no bytes");
    ExpectHonest(Event(0, 0), "relay of no bytes to the topic without a name");
    signaling::v1::Delivery delivery;
    delivery.set_topic(std::string(bytes, 't'));
    delivery.set_payload(std::string(bytes, 'p'));
    ExpectHonest(delivery, "delivery");
    delivery.set_payload("");
    signaling::v1::Delivery of_nothing;
    of_nothing.set_topic(std::string(bytes, 't'));
    of_nothing.set_payload("");
    ExpectHonest(of_nothing, "delivery of no bytes");
    signaling::v1::Notice notice;
    notice.set_topic(std::string(bytes, 't'));
    ExpectHonest(notice, "notice");
    signaling::v1::Command command;
    command.set_close_reason(std::string(bytes, 'c'));
    command.set_log_directives(std::string(bytes, 'l'));
    ExpectHonest(command, "command");
  }
}

TEST(Cost, OfAnOpenedPeerIncludesItsFacts) {
  LaneEvent event;
  event.set_kind(LaneEvent::KIND_PEER_OPENED);
  event.mutable_info()->set_user_agent(std::string(256, 'u'));
  event.mutable_info()->set_remote_address("192.0.2.1:50000 of somewhere");
  event.mutable_stats()->set_dialect("cbor");
  ExpectHonest(event, "opened");
  event.set_kind(LaneEvent::KIND_PEER_CLOSED);
  event.set_close_reason(std::string(123, 'r'));
  ExpectHonest(event, "closed");
}

TEST(Cost, OfARecordCountsEveryAddress) {
  LaneEvent event;
  event.set_kind(LaneEvent::KIND_PUBLISHED);
  signaling::v1::Answer answer;
  for (int n = 0; n < 100; ++n) {
    event.mutable_record()->add_addresses("192.0.2.1:" + std::to_string(n));
    answer.add_records()->set_blob(std::string(100, 'b'));
    ExpectHonest(event, "published");
    ExpectHonest(answer, "answer");
  }
}

TEST(Cost, OfAMessageIsThatOfAllThatIsInIt) {
  LaneToCore up;
  EXPECT_EQ(CostOf(up), 0u);
  *up.add_events() = Event(10, 100);
  *up.add_events() = Event(0, 5);
  EXPECT_EQ(CostOf(up), CostOf(up.events(0)) + CostOf(up.events(1)));
  const size_t events = CostOf(up);
  for (int n = 0; n < 20; ++n) up.mutable_stats()->add_drops()->set_name("some_reason");
  EXPECT_GE(CostOf(up), events + up.stats().SpaceUsedLong());

  CoreToLane down;
  EXPECT_EQ(CostOf(down), 0u);
  down.add_deliveries()->set_payload("p");
  down.add_notices()->set_topic("t");
  down.add_answers()->set_topic("t");
  down.add_commands()->set_close_code(1);
  EXPECT_EQ(CostOf(down), CostOf(down.deliveries(0)) + CostOf(down.notices(0)) +
                              CostOf(down.answers(0)) + CostOf(down.commands(0)));
  const size_t items = CostOf(down);
  for (uint64_t n = 0; n < 1000; ++n) {
    down.add_settled(n);
    down.mutable_roster()->add_lanes(n);
  }
  EXPECT_GE(CostOf(down), items + 2 * 1000 * sizeof(uint64_t));
}

TEST(Cost, OfManySmallItemsIsNotTheirPayloads) {
  LaneToCore message;
  for (uint64_t seq = 1; seq <= 1000; ++seq) AddRelay(message, seq, 0);
  EXPECT_GE(CostOf(message), message.SpaceUsedLong());
  EXPECT_GE(CostOf(message), 1000 * CostOf(message.events(0))) << "each counts";
}

}  // namespace
}  // namespace cairn::link
