#include "proto/link/relay_item.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cairn::link {
namespace {

using signaling::v1::MeshItem;

struct Random {
  // Of any length, as varints have them.
  uint64_t Number() { return engine() >> (engine() % 65 % 64) >> (engine() % 2 * 63); }
  std::string Text() { return std::string(engine() % 4 == 0 ? 0 : engine() % 300, 'x'); }
  std::mt19937_64 engine{1};
};

std::string Written(const RelayItem& relay) {
  std::string bytes(relay.Size(), '\0');
  auto* const begin = reinterpret_cast<uint8_t*>(bytes.data());
  EXPECT_EQ(relay.Write(begin), begin + bytes.size());
  return bytes;
}

RelayItem Sample() {
  RelayItem relay;
  relay.lane = relay.peer = relay.to = relay.target = 7;
  relay.sequence = relay.tag = 1'000;
  relay.topic = "topic";
  relay.payload = "payload";
  return relay;
}

void ExpectEqual(const RelayItem& a, const RelayItem& b) {
  EXPECT_EQ(a.lane, b.lane);
  EXPECT_EQ(a.peer, b.peer);
  EXPECT_EQ(a.sequence, b.sequence);
  EXPECT_EQ(a.tag, b.tag);
  EXPECT_EQ(a.to, b.to);
  EXPECT_EQ(a.target, b.target);
  EXPECT_EQ(a.read_us, b.read_us);
  EXPECT_EQ(a.topic, b.topic);
  EXPECT_EQ(a.payload, b.payload);
}

TEST(RelayItemTest, WhatIsWrittenIsReadAlsoByProtocolBuffers) {
  Random random;
  for (int i = 0; i < 2'000; ++i) {
    const std::string topic = random.Text(), payload = random.Text();
    RelayItem relay;
    relay.lane = random.Number();
    relay.peer = random.Number();
    relay.sequence = random.Number();
    relay.tag = random.Number();
    relay.to = random.Number();
    relay.target = random.Number();
    relay.read_us = static_cast<int64_t>(random.Number());
    relay.topic = topic;
    relay.payload = payload;
    const std::string bytes = Written(relay);
    RelayItem read;
    ASSERT_TRUE(read.Read(bytes));
    ExpectEqual(read, relay);
    MeshItem item;
    ASSERT_TRUE(item.ParseFromString(bytes));
    EXPECT_EQ(item.kind(), MeshItem::KIND_RELAY);
    ExpectEqual(RelayItem::Of(item), relay);
  }
}

TEST(RelayItemTest, NothingElseIsRead) {
  const std::string bytes = Written(Sample());
  RelayItem read;
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(read.Read(bytes.substr(0, size))) << size;
  EXPECT_FALSE(read.Read(bytes + '\0')) << "more";
  MeshItem item;
  ASSERT_TRUE(item.ParseFromString(bytes));
  EXPECT_FALSE(read.Read(item.SerializeAsString())) << "in the order of the fields' numbers";
  item.set_kind(MeshItem::KIND_SUBSCRIBED);
  EXPECT_FALSE(read.Read(item.SerializeAsString()));
}

// What is read of changed bytes is what Protocol Buffers read of them.
TEST(RelayItemTest, ChangedBytesAreReadAsByProtocolBuffersOrNotAtAll) {
  Random random;
  const std::string whole = Written(Sample());
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    for (int changes = 0; changes < 2; ++changes)
      bytes[random.engine() % bytes.size()] = static_cast<char>(random.engine());
    RelayItem read;
    if (!read.Read(bytes)) continue;
    MeshItem item;
    ASSERT_TRUE(item.ParseFromString(bytes));
    ExpectEqual(read, RelayItem::Of(item));
  }
}

}  // namespace
}  // namespace cairn::link
