// What a lane resends to the next core, what it keeps at most, and its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "proto/link/timing.h"
#include "tests/support/lane_session_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;
using signaling::v1::Notice;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- relays of the last session

TEST_F(LaneSession, UnsettledRelaysAreResentToANewCoreInOrderAfterTheSnapshot) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  for (int i = 0; i < 3; ++i) Relay(one, "t", "accepted");
  Accept();
  Settle(2, 2);
  Relay(one, "t", "on its way");
  std::vector<LaneToCore> unaccepted = Unaccepted();
  link_.room = 0;
  lane_.OnRoom();
  Relay(one, "t", "waits");
  link_.room = FakeCoreLink::kUnlimited;
  BeginAfter(Kind::kNewCore, absl::Seconds(1), std::move(unaccepted));
  EXPECT_THAT(NumbersTold(), ElementsAre(0, 0, 0, 1, 3, 4, 5));
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 0u);
}

TEST_F(LaneSession, UnsettledRelaysAreResentToACoreThatStartedTooLateToo) {
  Lane::Member* one = Join(1);
  Relay(one, "t", "p");
  Accept();
  Relay(one, "t", "p");
  BeginAfter(Kind::kLate, absl::Seconds(20), Unaccepted());
  EXPECT_THAT(RelaysTold(), ElementsAre(1, 2));
}

TEST_F(LaneSession, UnsettledRelaysAreResentToACoreThatHasGivenTheLaneUpToo) {
  Lane::Member* one = Join(1);
  for (int i = 0; i < 3; ++i) Relay(one, "t", "accepted");
  Accept();
  Settle(2, 2);
  for (int i = 0; i < 2; ++i) Relay(one, "t", "on its way");
  BeginAfter(Kind::kGivenUp, absl::Seconds(20), Unaccepted());
  EXPECT_THAT(RelaysTold(), ElementsAre(1, 3, 4, 5));
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 0u);
}

TEST_F(LaneSession, OfAnOlderRecordOnlyTheRelayIsResent) {
  Lane::Member* one = Join(1);
  lane_.Publish(one, "t", {"me", "blob", {}});
  Accept();
  lane_.Publish(one, "t", {"me", "newer", {}});
  BeginAfter(Kind::kNewCore, absl::Seconds(1), Unaccepted());
  lane_.Flush();
  std::vector<std::string> records, relays;
  for (const LaneEvent& event : link_.TakeEvents()) {
    if (event.kind() == LaneEvent::KIND_PUBLISHED) {
      records.push_back(std::to_string(event.seq()) + " " + event.record().blob());
    } else if (event.seq() != 0) {
      EXPECT_EQ(event.kind(), LaneEvent::KIND_RELAYED);
      EXPECT_FALSE(event.has_record()) << "it would take the place of the newer one";
      relays.push_back(std::to_string(event.seq()) + " " + event.payload());
    }
  }
  EXPECT_THAT(records, ElementsAre("0 newer", "2 newer")) << "in the snapshot, and as it came";
  EXPECT_THAT(relays, ElementsAre("1 blob"));
}

TEST_F(LaneSession, AfterTooLongAnOutageUnsettledRelaysAreDroppedAndCounted) {
  const absl::Duration kept = absl::FromChrono(link::kUnsureRelaysKept);
  Lane::Member* one = Join(1);
  Relay(one, "t", "accepted");
  Accept();
  Relay(one, "t", "on its way");
  BeginAfter(Kind::kNewCore, kept, Unaccepted());
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 0u);
  std::vector<LaneToCore> unaccepted = Unaccepted();
  link_.room = 0;
  lane_.OnRoom();
  Relay(one, "t", "never written");
  link_.room = FakeCoreLink::kUnlimited;
  BeginAfter(Kind::kNewCore, kept + absl::Microseconds(1), std::move(unaccepted));
  EXPECT_THAT(RelaysTold(), ElementsAre(3));
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 2u);
}

TEST_F(LaneSession, RelaysAreResentToEachOfSeveralCores) {
  Lane::Member* one = Join(1);
  for (int i = 0; i < 3; ++i) Relay(one, "t", "p");
  for (int cores = 0; cores < 5; ++cores) {
    // Relays that the core has taken, and relays that were on their way to it.
    if (cores % 2 == 1) Accept();
    BeginAfter(Kind::kNewCore, absl::Seconds(1), Unaccepted());
    lane_.Flush();
    std::vector<uint64_t> numbers;
    for (const LaneToCore& batch : link_.submitted) {
      for (const LaneEvent& event : batch.events()) {
        if (event.seq() != 0) numbers.push_back(event.seq());
      }
    }
    ASSERT_THAT(numbers, ElementsAre(1, 2, 3)) << cores;
  }
}

TEST_F(LaneSession, AReceiptIsNotRequestedAgainFromTheNextCore) {
  Lane::Member* member = Join(1, wire::Dialect::kV2);
  wire::Message message;
  message.kind = wire::MessageKind::kRelay;
  message.topic = "t";
  message.receipt_id = 9;
  lane_.Relay(member, message, 0);
  lane_.Relay(member, message, 0);
  Accept();
  CoreToLane down;
  Notice* receipt = down.add_notices();
  receipt->set_kind(Notice::KIND_RECEIPT);
  receipt->set_peer(1);
  receipt->set_receipt_id(9);
  receipt->set_seq(1);
  lane_.OnCoreMessage(down);
  link_.BeginKind(Kind::kNewCore);
  lane_.Flush();
  std::vector<bool> wanted;
  for (const LaneEvent& event : link_.TakeEvents()) {
    if (event.kind() == LaneEvent::KIND_RELAYED) wanted.push_back(event.wants_receipt());
  }
  EXPECT_THAT(wanted, ElementsAre(false, true));
}

TEST_F(LaneSession, ARelayThatAnotherCoreDeliversAgainIsDropped) {
  JoinAndSubscribe(1, "t");
  Deliver(5, 9, "t");
  link_.BeginKind(Kind::kNewCore);
  Deliver(5, 9, "t");
  EXPECT_THAT(clients_[1].frames, SizeIs(1));
  EXPECT_EQ(Dropped(DropReason::kDuplicate), 1u);
}

// ---- bounds

TEST_F(LaneSession, TooMuchUnacceptedDataStopsReadingUntilHalfOfItIsAccepted) {
  limits_.max_backlog_bytes = 100'000;
  Lane::Member* one = Join(1);
  Said();
  link_.unaccepted_cost = 0;
  const auto flush_at = [this](size_t cost) {
    link_.unaccepted_cost = cost;
    lane_.Flush();
    return lane_.congested();
  };
  EXPECT_FALSE(flush_at(100'000));
  EXPECT_TRUE(flush_at(100'001));
  EXPECT_TRUE(flush_at(50'001)) << "it would stop and go";
  EXPECT_FALSE(flush_at(50'000));
  // What waits in the lane counts too.
  link_.room = 0;
  lane_.OnRoom();
  Relay(one, "t", std::string(60'000, 'x'));
  EXPECT_TRUE(flush_at(50'000));
  EXPECT_GT(lane_.backlog_bytes(), 110'000u);
}

TEST_F(LaneSession, TooManyUnsettledRelaysStopReadingToo) {
  limits_.max_open_bytes = 100'000;
  Lane::Member* one = Join(1);
  Relay(one, "t", std::string(60'000, 'x'));
  Relay(one, "t", std::string(60'000, 'x'));
  Accept();
  lane_.Flush();
  EXPECT_TRUE(lane_.congested());
  Settle(2, 2);
  lane_.Tick();
  EXPECT_TRUE(lane_.congested());
  Settle(1, 1);
  lane_.Tick();
  EXPECT_FALSE(lane_.congested());
  EXPECT_EQ(lane_.backlog_bytes(), 0u);
}

// ---- the end

TEST_F(LaneSession, GoodbyeIsTheLastMessageAndTheLaneFinishesWhenAllRelaysAreSettled) {
  Lane::Member* one = Join(1);
  Relay(one, "t", "p");
  lane_.Leave(one, 0, "client_gone");
  lane_.SayGoodbye();
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "RELAYED 1 t", "PEER_CLOSED 1", "GOODBYE 0"));
  EXPECT_FALSE(lane_.finished());
  LaneToCore relayed;
  relayed.add_events()->set_seq(1);
  lane_.OnAccepted(relayed);
  link_.unaccepted_cost = 0;
  EXPECT_FALSE(lane_.finished()) << "some lane may not have it";
  Settle(1, 1);
  EXPECT_TRUE(lane_.finished());
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(LaneSession, GoodbyeIsSentToTheNextCoreToo) {
  lane_.SayGoodbye();
  EXPECT_THAT(Said(), ElementsAre("GOODBYE 0"));
  link_.BeginKind(Kind::kNewCore);
  EXPECT_FALSE(lane_.finished());
  EXPECT_THAT(Said(), ElementsAre("SNAPSHOT_END 0", "GOODBYE 0"));
}

TEST_F(LaneSession, WithoutRoomGoodbyeWaits) {
  link_.room = 0;
  lane_.OnRoom();
  lane_.SayGoodbye();
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_FALSE(lane_.finished());
  link_.MakeRoom(1000);
  EXPECT_THAT(Said(), ElementsAre("GOODBYE 0"));
}

}  // namespace
}  // namespace cairn::edge
