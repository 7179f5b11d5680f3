#include "admin-cli/probe/message.h"

#include <gtest/gtest.h>

#include "proto/wire/message_reader.h"

namespace cairn::admin {
namespace {

TEST(ProbeMessageTest, TopicsLookLikeThoseOfClientsAndDiffer) {
  const std::string topic = RandomTopic();
  EXPECT_EQ(topic.size(), 64u);
  EXPECT_EQ(topic.find_first_not_of("0123456789abcdef"), topic.npos);
  EXPECT_NE(topic, RandomTopic());
}

TEST(ProbeMessageTest, TheServerReadsSubscribe) {
  const std::string topic = RandomTopic();
  const std::string message = SubscribeMessage(topic);
  wire::MessageReader reader;
  const wire::DecodeResult result = reader.Read(message);
  ASSERT_EQ(result.fault, wire::DecodeFault::kNone);
  EXPECT_EQ(result.message.kind, wire::MessageKind::kSubscribe);
  EXPECT_EQ(result.message.topic, topic);
}

TEST(ProbeMessageTest, NumbersAreReadBackAndOtherPayloadsAreNoNumbers) {
  const std::string topic = RandomTopic();
  EXPECT_EQ(ReadNumber(NumberedMessage(topic, 4'000'000'000u), topic), 4'000'000'000u);
  EXPECT_EQ(ReadNumber(NumberedMessage(topic, 7), RandomTopic()), std::nullopt);
  EXPECT_EQ(ReadNumber(SubscribeMessage(topic), topic), std::nullopt);
  EXPECT_EQ(ReadNumber("", topic), std::nullopt);
}

}  // namespace
}  // namespace cairn::admin
