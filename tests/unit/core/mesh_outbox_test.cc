#include "core/mesh_outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/mesh_link.h"
#include "core/mesh_member.h"
#include "tests/support/mesh_messages.h"

namespace cairn::core {
namespace {

using signaling::v1::MeshItem;
using testing::ElementsAre;
using testing::Le;

link::RelayItem Relay(uint64_t tag, std::string_view topic, std::string_view payload) {
  link::RelayItem relay;
  relay.tag = tag;
  relay.to = 7;
  relay.topic = topic;
  relay.payload = payload;
  return relay;
}

TEST(MeshOutboxTest, ItemsAndRelaysAreReadInTheOrderInWhichTheyWereAdded) {
  MeshOutbox outbox;
  EXPECT_TRUE(outbox.empty());
  outbox.Add(MeshItem::KIND_LANE_HERE).set_lane(3);
  const PackedRelay relay = outbox.AddRelay(Relay(1, "topic", std::string(300, 'x')));
  outbox.AddRelay(Relay(2, "", ""));
  outbox.Add(MeshItem::KIND_LANE_READY).set_lane(3);
  EXPECT_FALSE(outbox.empty());
  const signaling::v1::MeshMessage message = Read(outbox.All());
  const std::vector<MeshItem> items = ItemsOf(message);
  std::vector<int> kinds;
  for (const MeshItem& item : items) kinds.push_back(item.kind());
  EXPECT_THAT(kinds, ElementsAre(MeshItem::KIND_LANE_HERE, MeshItem::KIND_RELAY,
                                 MeshItem::KIND_RELAY, MeshItem::KIND_LANE_READY));
  EXPECT_EQ(outbox.All().count(), 4);
  for (const link::RelayItem& read : {relay.Read(), link::RelayItem::Of(items[1])}) {
    EXPECT_EQ(read.tag, 1u);
    EXPECT_EQ(read.topic, "topic");
    EXPECT_EQ(read.payload, std::string(300, 'x'));
    EXPECT_EQ(read.to, 7u);
  }
  outbox.All().Clear();
  EXPECT_TRUE(outbox.empty());
}

TEST(MeshOutboxTest, WhatIsGatheredAtOnceGoesInMessagesOfABoundedSize) {
  const CoreLimits limits;
  MeshLink link(1, limits, absl::ZeroDuration());
  signaling::v1::MeshMessage hello;
  hello.set_from_link(2);
  hello.set_to_link(1);
  link.Receive(hello, absl::ZeroDuration());
  MeshOutbox outbox;
  for (uint64_t tag = 1; tag <= 5'000; ++tag)
    outbox.AddRelay(Relay(tag, "topic", std::string(300, 'x')));
  outbox.AddRelay(Relay(5'001, "topic", std::string(900'000, 'x')));
  outbox.AddRelay(Relay(5'002, "topic", "x"));
  link.Append(outbox.All(), absl::ZeroDuration());
  MeshLink other(2, limits, absl::ZeroDuration());
  uint64_t last = 0;
  while (link.HasNext()) {
    signaling::v1::MeshMessage message = Read(link.Next());
    EXPECT_THAT(message.ByteSizeLong(), Le(link::kMaxMessageBytes + 100));
    if (other.Receive(message, absl::ZeroDuration()) != MeshLink::Receipt::kHandle) continue;
    for (const MeshItem& item : ItemsOf(message)) EXPECT_EQ(item.tag(), ++last);
  }
  EXPECT_EQ(last, 5'002u);
}

TEST(MeshOutboxTest, AnOldRelayDoesNotKeepTheMemoryOfAllThatItWasSentWith) {
  MeshMember member;
  for (uint64_t tag = 1; tag <= 3; ++tag) {
    MeshMember::Open& open = member.open.emplace_back();
    member.last_tag = tag;
    open.relay = member.outbox.AddRelay(Relay(tag, "topic", "payload"));
  }
  const link::MeshOut::Bytes memory = member.outbox.All().BytesOr([] { return nullptr; });
  const long all = memory.use_count();
  member.PartOld();
  EXPECT_EQ(memory.use_count(), all) << "most are settled by then";
  member.Close(member.open[0]);
  EXPECT_EQ(memory.use_count(), all - 1);
  member.PartOld();
  EXPECT_EQ(memory.use_count(), all - 3);
  EXPECT_EQ(member.FindOpen(3)->relay.Read().payload, "payload");
}

}  // namespace
}  // namespace cairn::core
