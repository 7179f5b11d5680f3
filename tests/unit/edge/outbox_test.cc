#include "edge/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;
using testing::ElementsAre;

constexpr uint64_t kPeer = 7;

void AddRelay(LaneToCore& batch, uint64_t seq, size_t payload_bytes = 8) {
  LaneEvent* event = batch.add_events();
  event->set_kind(LaneEvent::KIND_RELAYED);
  event->set_peer(kPeer);
  event->set_topic("t");
  event->set_payload(std::string(payload_bytes, 'x'));
  event->set_seq(seq);
}
void AddSubscribed(LaneToCore& batch, const std::string& topic) {
  LaneEvent* event = batch.add_events();
  event->set_kind(LaneEvent::KIND_SUBSCRIBED);
  event->set_peer(kPeer);
  event->set_topic(topic);
}

void AppendRelay(Outbox& outbox, uint64_t seq, size_t payload_bytes = 8) {
  LaneToCore batch;
  AddRelay(batch, seq, payload_bytes);
  outbox.Append(batch);
}
void AppendSubscribed(Outbox& outbox, const std::string& topic) {
  LaneToCore batch;
  AddSubscribed(batch, topic);
  outbox.Append(batch);
}

LaneToCore Opening(const std::string& snapshot_topic = "") {
  LaneToCore opening;
  opening.mutable_hello()->set_lane_id(1);
  if (!snapshot_topic.empty()) AddSubscribed(opening, snapshot_topic);
  return opening;
}

// A relay as its number, anything else as its topic.
std::vector<std::string> Said(const LaneToCore* message) {
  std::vector<std::string> words;
  if (!message) return {"nothing"};
  if (message->has_hello()) words.push_back("hello");
  for (const LaneEvent& event : message->events()) {
    words.push_back(event.kind() == LaneEvent::KIND_RELAYED ? std::to_string(event.seq())
                                                            : event.topic());
  }
  return words;
}

std::vector<std::string> WriteNext(Outbox& outbox) {
  const LaneToCore* message = outbox.StartWrite();
  std::vector<std::string> words = Said(message);
  if (message) outbox.FinishWrite();
  return words;
}

// One that has said its Hello already.
Outbox Connected() {
  Outbox outbox;
  outbox.Connect(Opening());
  WriteNext(outbox);
  return outbox;
}

TEST(Outbox, SaysNothingBeforeItIsConnected) {
  Outbox outbox;
  EXPECT_FALSE(outbox.connected());
  AppendRelay(outbox, 1);
  EXPECT_EQ(outbox.StartWrite(), nullptr);
}

TEST(Outbox, SaysHelloAndTheSnapshotFirst) {
  Outbox outbox;
  AppendRelay(outbox, 1);
  outbox.Connect(Opening("mine"));
  EXPECT_TRUE(outbox.connected());
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "mine", "1"));
  EXPECT_THAT(WriteNext(outbox), ElementsAre("nothing"));
}

TEST(Outbox, HelloAloneIsWorthAMessage) {
  Outbox outbox;
  outbox.Connect(Opening());
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello"));
}

TEST(Outbox, AppendTakesTheEventsAndLeavesTheBatchCleared) {
  Outbox outbox = Connected();
  LaneToCore batch;
  AddSubscribed(batch, "a");
  AddRelay(batch, 1);
  batch.mutable_stats()->set_messages_in(3);
  outbox.Append(batch);
  EXPECT_EQ(batch.events_size(), 0);
  EXPECT_FALSE(batch.has_stats());
  const LaneToCore* message = outbox.StartWrite();
  EXPECT_THAT(Said(message), ElementsAre("a", "1"));
  EXPECT_EQ(message->stats().messages_in(), 3u);
}

TEST(Outbox, GathersWhileAWriteIsInFlight) {
  Outbox outbox = Connected();
  AppendRelay(outbox, 1);
  const LaneToCore* first = outbox.StartWrite();
  AppendRelay(outbox, 2);
  AppendSubscribed(outbox, "a");
  AppendRelay(outbox, 3);
  EXPECT_EQ(outbox.StartWrite(), nullptr);
  EXPECT_THAT(Said(first), ElementsAre("1")) << "the message in flight was touched";
  outbox.FinishWrite();
  EXPECT_THAT(WriteNext(outbox), ElementsAre("2", "a", "3"));
}

TEST(Outbox, IsIdleWhenNothingWaitsAndNothingIsInFlight) {
  Outbox outbox = Connected();
  EXPECT_TRUE(outbox.idle());
  AppendRelay(outbox, 1);
  EXPECT_FALSE(outbox.idle());
  outbox.StartWrite();
  EXPECT_FALSE(outbox.idle());
  outbox.FinishWrite();
  EXPECT_TRUE(outbox.idle());
}

TEST(Outbox, TheLatestDeliveredNumberGoesWithTheNextMessageOnce) {
  Outbox outbox = Connected();
  outbox.NoteDelivered(4);
  outbox.NoteDelivered(9);
  EXPECT_EQ(outbox.StartWrite(), nullptr) << "not worth a message of its own";
  AppendRelay(outbox, 1);
  EXPECT_EQ(outbox.StartWrite()->delivered_seq(), 9u);
  outbox.FinishWrite();
  AppendRelay(outbox, 2);
  EXPECT_EQ(outbox.StartWrite()->delivered_seq(), 0u);
}

TEST(Outbox, ManyDeliveredNumbersAreWorthAMessageOfTheirOwn) {
  Outbox outbox = Connected();
  outbox.NoteDelivered(Outbox::kDeliveriesPerAck - 1);
  EXPECT_EQ(outbox.StartWrite(), nullptr);
  outbox.NoteDelivered(Outbox::kDeliveriesPerAck);
  const LaneToCore* message = outbox.StartWrite();
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->delivered_seq(), Outbox::kDeliveriesPerAck);
  EXPECT_EQ(message->events_size(), 0);
  outbox.FinishWrite();
  EXPECT_EQ(outbox.StartWrite(), nullptr) << "said twice";
}

TEST(Outbox, ADeliveredNumberIsSaidWhenItIsTime) {
  Outbox outbox = Connected();
  outbox.AckNow();
  EXPECT_EQ(outbox.StartWrite(), nullptr) << "nothing was delivered";
  outbox.NoteDelivered(1);
  const LaneToCore* message = outbox.StartWrite();
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->delivered_seq(), 1u);
}

TEST(Outbox, ABeatIsOneMessageEvenIfThereIsNothingToSay) {
  Outbox outbox = Connected();
  outbox.BeatNow();
  const LaneToCore* message = outbox.StartWrite();
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->ByteSizeLong(), 0u);
  outbox.FinishWrite();
  EXPECT_EQ(outbox.StartWrite(), nullptr);
  EXPECT_EQ(outbox.relay_bytes(), 0u);
}

TEST(Outbox, DeliveredNumbersOfABrokenStreamAreForgotten) {
  Outbox outbox = Connected();
  outbox.NoteDelivered(4);
  outbox.Disconnect();
  outbox.Connect(Opening());
  EXPECT_EQ(outbox.StartWrite()->delivered_seq(), 0u);
}

TEST(Outbox, CountsTheBytesOfRelaysUntilTheyAreAcknowledged) {
  Outbox outbox = Connected();
  EXPECT_EQ(outbox.relay_bytes(), 0u);
  AppendSubscribed(outbox, "a topic that does not count");
  AppendRelay(outbox, 1, 99);
  AppendRelay(outbox, 2, 9);
  EXPECT_EQ(outbox.relay_bytes(), 110u);
  WriteNext(outbox);
  EXPECT_EQ(outbox.relay_bytes(), 110u);
  AppendRelay(outbox, 3, 4);
  WriteNext(outbox);
  EXPECT_EQ(outbox.relay_bytes(), 115u);
  outbox.Ack(2);
  EXPECT_EQ(outbox.relay_bytes(), 5u);
  outbox.Ack(3);
  EXPECT_EQ(outbox.relay_bytes(), 0u);
}

TEST(Outbox, AcknowledgingTwiceOrEarlierNumbersChangesNothing) {
  Outbox outbox = Connected();
  AppendRelay(outbox, 1);
  WriteNext(outbox);
  AppendRelay(outbox, 2);
  WriteNext(outbox);
  outbox.Ack(1);
  outbox.Ack(1);
  outbox.Ack(0);
  EXPECT_EQ(outbox.relay_bytes(), 9u);
}

TEST(Outbox, SaysUnacknowledgedRelaysAgainAfterAReconnectInOrderAndUnderTheirNumbers) {
  Outbox outbox = Connected();
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    AppendRelay(outbox, seq);
    WriteNext(outbox);
  }
  outbox.Ack(2);
  outbox.Disconnect();
  EXPECT_FALSE(outbox.connected());
  AppendRelay(outbox, 6);
  outbox.Connect(Opening("mine"));
  EXPECT_EQ(outbox.relay_bytes(), 4 * 9u);
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "mine", "3", "4", "5", "6"));
  AppendRelay(outbox, 7);
  EXPECT_THAT(WriteNext(outbox), ElementsAre("7"));
}

TEST(Outbox, ReconnectSaysRelaysAgainAndNothingElse) {
  Outbox outbox = Connected();
  LaneToCore batch;
  AddSubscribed(batch, "written");
  AddRelay(batch, 1);
  AddSubscribed(batch, "written too");
  AddRelay(batch, 2);
  outbox.Append(batch);
  WriteNext(outbox);
  AppendSubscribed(outbox, "not written");
  AppendRelay(outbox, 3);
  outbox.Disconnect();
  AppendSubscribed(outbox, "while away");
  outbox.Connect(Opening("snapshot"));
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "snapshot", "1", "2", "3"));
}

TEST(Outbox, WhileAwayOnlyRelaysAreKept) {
  Outbox outbox = Connected();
  outbox.Disconnect();
  LaneToCore batch;
  AddSubscribed(batch, "a");
  AddRelay(batch, 1);
  batch.mutable_stats()->set_messages_in(3);
  outbox.Append(batch);
  EXPECT_EQ(batch.events_size(), 0);
  outbox.Connect(Opening());
  const LaneToCore* message = outbox.StartWrite();
  EXPECT_THAT(Said(message), ElementsAre("hello", "1"));
  EXPECT_FALSE(message->has_stats());
}

TEST(Outbox, AMessageInFlightWhenTheStreamBreaksCountsAsUnacknowledged) {
  Outbox outbox = Connected();
  AppendRelay(outbox, 1);
  AppendRelay(outbox, 2);
  ASSERT_NE(outbox.StartWrite(), nullptr);
  AppendRelay(outbox, 3);
  outbox.Disconnect();
  EXPECT_EQ(outbox.relay_bytes(), 27u);
  outbox.Connect(Opening());
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "1", "2", "3"));
}

TEST(Outbox, WhatWasAcknowledgedInFlightIsNotSaidAgain) {
  Outbox outbox = Connected();
  AppendRelay(outbox, 1);
  ASSERT_NE(outbox.StartWrite(), nullptr);
  outbox.Ack(1);
  outbox.FinishWrite();
  AppendRelay(outbox, 2);
  outbox.Disconnect();
  outbox.Connect(Opening());
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "2"));
  EXPECT_EQ(outbox.relay_bytes(), 9u);
}

TEST(Outbox, AnAcknowledgementThatComesBeforeTheEndOfItsWriteFreesItsBytes) {
  Outbox outbox = Connected();
  AppendRelay(outbox, 1);
  AppendRelay(outbox, 2);
  ASSERT_NE(outbox.StartWrite(), nullptr);
  outbox.Ack(1);
  EXPECT_EQ(outbox.relay_bytes(), 18u);
  outbox.FinishWrite();
  EXPECT_EQ(outbox.relay_bytes(), 9u);
  AppendRelay(outbox, 3);
  ASSERT_NE(outbox.StartWrite(), nullptr);
  outbox.Ack(3);
  outbox.FinishWrite();
  EXPECT_EQ(outbox.relay_bytes(), 0u);
}

TEST(Outbox, AnOpeningThatWasNotWrittenIsNotSaidTwice) {
  Outbox outbox;
  AppendRelay(outbox, 1);
  outbox.Connect(Opening("old"));
  outbox.Disconnect();
  outbox.Connect(Opening("new"));
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "new", "1"));
}

TEST(Outbox, StreamsThatBreakAgainAndAgainLoseNothing) {
  Outbox outbox;
  for (uint64_t seq = 1; seq <= 6; ++seq) {
    AppendRelay(outbox, seq);
    outbox.Connect(Opening());
    if (seq % 3 != 0) outbox.StartWrite();
    if (seq % 3 == 1) outbox.FinishWrite();
    outbox.Disconnect();
  }
  outbox.Connect(Opening());
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "1", "2", "3", "4", "5", "6"));
  outbox.Ack(6);
  EXPECT_EQ(outbox.relay_bytes(), 0u);
  EXPECT_TRUE(outbox.idle());
}

TEST(Outbox, APublishedRecordIsKeptLikeARelayUntilItIsAcknowledged) {
  Outbox outbox = Connected();
  LaneToCore batch;
  LaneEvent* event = batch.add_events();
  event->set_kind(LaneEvent::KIND_PUBLISHED);
  event->set_topic("record");
  event->set_seq(1);
  outbox.Append(batch);
  WriteNext(outbox);
  outbox.Disconnect();
  outbox.Connect(Opening());
  EXPECT_THAT(WriteNext(outbox), ElementsAre("hello", "record"));
  outbox.Ack(1);
  EXPECT_EQ(outbox.relay_bytes(), 0u);
}

}  // namespace
}  // namespace cairn::edge
