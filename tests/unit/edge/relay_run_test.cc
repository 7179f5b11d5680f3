#include "edge/relay_run.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/peer_id.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/v2_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {
namespace {

using signaling::v1::Delivery;

constexpr uint64_t kSender = 77;

Delivery RelayOf(const std::string& payload, const std::string& topic = "topic") {
  Delivery relay;
  relay.set_from(kSender);
  relay.set_topic(topic);
  relay.set_payload(payload);
  return relay;
}

// One more than in each form of a length, in the frame and in CBOR.
std::vector<std::string> PayloadsOfAllLengths() {
  std::vector<std::string> payloads;
  for (const size_t size : {0u, 1u, 23u, 24u, 100u, 255u, 256u, 60'000u, 70'000u})
    payloads.push_back(std::string(size, 'p'));
  return payloads;
}

TEST(RelayRun, HasTheFramesOfItsRelaysInOrder) {
  RelayRun run;
  std::string native, v2;
  for (const std::string& payload : PayloadsOfAllLengths()) {
    run.Add(RelayOf(payload));
    std::string message;
    wire::AppendRelay("topic", payload, message);
    wire::AppendWsFrame(wire::WsOpcode::kBinary, message, native);
    message.clear();
    wire::AppendRelayFrom("topic", payload, FormatId(kSender), message);
    wire::AppendWsFrame(wire::WsOpcode::kBinary, message, v2);
  }
  for (int times = 0; times < 2; ++times) {
    EXPECT_TRUE(run.NativeFrames() == native);
    EXPECT_TRUE(run.V2Frames() == v2);
  }
}

TEST(RelayRun, HasNoFramesOfEarlierRelays) {
  RelayRun run;
  run.Add(RelayOf("before", "another topic"));
  run.NativeFrames();
  run.V2Frames();
  run.Clear();
  EXPECT_TRUE(run.empty());
  for (const std::string payload : {"a", "b"}) run.Add(RelayOf(payload));
  EXPECT_EQ(run.NativeFrames().find("another"), std::string_view::npos);
  EXPECT_EQ(run.V2Frames().find("another"), std::string_view::npos);
  EXPECT_EQ(run.relays().size(), 2u);
}

TEST(RelayRun, KeepsWhatItHasBorrowed) {
  RelayRun run;
  std::vector<Delivery> lent = {RelayOf("one"), RelayOf("two")};
  for (Delivery& relay : lent) run.Borrow(relay);
  run.Keep();
  for (Delivery& relay : lent) relay.set_payload("overwritten");
  run.Keep();
  ASSERT_EQ(run.relays().size(), 2u);
  EXPECT_EQ(run.relays()[0]->payload(), "one");
  EXPECT_EQ(run.relays()[1]->payload(), "two");
}

TEST(RelayRun, IsContinuedByTheSameSenderToTheSameTopic) {
  RelayRun run;
  run.Add(RelayOf("p"));
  Delivery next = RelayOf("q");
  EXPECT_TRUE(run.Continues(next));
  next.set_from(kSender + 1);
  EXPECT_FALSE(run.Continues(next));
  EXPECT_FALSE(run.Continues(RelayOf("q", "another")));
  next = RelayOf("q");
  next.set_to(5);
  EXPECT_FALSE(run.Continues(next)) << "it is for one peer";
  RelayRun to_one;
  to_one.Add(std::move(next));
  EXPECT_FALSE(to_one.Continues(RelayOf("r"))) << "that is for all";
}

TEST(RelayRun, IsBounded) {
  const auto fill = [](size_t payload, size_t members) {
    RelayRun run;
    do {
      run.Add(RelayOf(std::string(payload, 'p')));
    } while (run.HasRoom(members));
    return run.relays().size();
  };
  EXPECT_EQ(fill(1, 2), RelayRun::kMost);
  EXPECT_EQ(fill(RelayRun::kMostBytes / 4, 2), 4u);
  EXPECT_EQ(fill(2 * RelayRun::kMostBytes, 2), 1u);
  EXPECT_EQ(fill(1, RelayRun::kMostDeliveries / 3), 3u);
  EXPECT_EQ(fill(1, 2 * RelayRun::kMostDeliveries), 1u);
}

}  // namespace
}  // namespace cairn::edge
