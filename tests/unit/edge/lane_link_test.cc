#include "edge/lane_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "proto/link/timing.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_core_stream.h"
#include "tests/support/fake_loop_executor.h"
#include "tests/support/link_messages.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kCore = 77;
constexpr uint64_t kLinkNumber = 5;

class FakeLinkListener final : public CoreLinkListener {
 public:
  void OnSession(CoreSession session) override { sessions.push_back(std::move(session)); }
  void OnCoreMessage(CoreToLane& message) override { messages.push_back(message); }
  void OnAccepted(LaneToCore& message) override {
    for (const uint64_t number : link::Numbers(message)) accepted.push_back(number);
  }
  void OnRoom() override { ++rooms; }
  void FillInRosters(signaling::v1::Hello& hello) const override {
    *hello.mutable_roster() = known;
    *hello.mutable_told() = known.stamp();
  }

  std::vector<CoreSession> sessions;
  std::vector<CoreToLane> messages;
  std::vector<uint64_t> accepted;
  int rooms = 0;
  signaling::v1::Roster known;
};

class LaneLinkTest : public testing::Test {
 protected:
  using Streams = FakeCoreStreamOpener::Streams;

  LaneLinkTest() { link_.Start(); }

  FakeStreamState& stream() { return *streams_->back(); }
  // The Hello that the last stream began with.
  signaling::v1::Hello TakeHello() {
    const auto written = stream().TakeWritten();
    EXPECT_EQ(written.size(), 1u) << "Hello, alone";
    if (written.empty()) return {};
    EXPECT_EQ(written[0].number(), 0u);
    EXPECT_EQ(written[0].events_size(), 0);
    return written[0].hello();
  }
  static CoreToLane WelcomeOf(Welcome::Outcome outcome, uint64_t core = kCore,
                              uint64_t number = kLinkNumber, uint64_t received = 0) {
    CoreToLane message;
    Welcome* welcome = message.mutable_welcome();
    welcome->set_protocol_version(2);
    welcome->set_core_id(core);
    welcome->set_outcome(outcome);
    welcome->set_link(number);
    welcome->set_received(received);
    return message;
  }
  // The first session, with everything of its opening taken.
  void Begin() {
    TakeHello();
    stream().Say(WelcomeOf(Welcome::OUTCOME_NEW));
    listener_.sessions.clear();
  }
  void End(int code = 14) { stream().listener->OnStreamEnded(code, "broke"); }
  // The stream ends, and after a pause the next one has opened.
  void Reopen() {
    End();
    executor_.Run();
  }
  void Submit(uint64_t seq, size_t payload_bytes = 8) {
    LaneToCore batch = link::Relay(seq, payload_bytes);
    link_.Submit(batch);
    EXPECT_EQ(batch.events_size(), 0) << "not cleared";
  }
  // The relays written since the last call.
  std::vector<uint64_t> Written() {
    std::vector<uint64_t> numbers;
    for (const LaneToCore& message : stream().TakeWritten()) {
      for (const uint64_t number : link::Numbers(message)) numbers.push_back(number);
    }
    return numbers;
  }
  void Acknowledge(uint64_t received) {
    CoreToLane message;
    message.set_received(received);
    stream().Say(message);
  }
  static CoreToLane Numbered(uint64_t number) {
    CoreToLane message = link::Delivery(number);
    message.set_number(number);
    return message;
  }

  FakeClock clock_;
  FakeLinkListener listener_;
  FakeLoopExecutor executor_;
  std::shared_ptr<Streams> streams_ = std::make_shared<Streams>();
  LaneLink::Options options_{.window = 10'000};
  LaneLink link_{std::make_unique<FakeCoreStreamOpener>(streams_),
                 {42, "edge-1", 3, "1.2.3", 55, "secret"},
                 listener_,
                 executor_,
                 options_,
                 clock_};
};

// ---- opening

TEST_F(LaneLinkTest, SendsOnlyHelloBeforeTheWelcome) {
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_EQ(hello.protocol_version(), 2u);
  EXPECT_EQ(hello.lane_id(), 42u);
  EXPECT_EQ(hello.secret(), "secret");
  EXPECT_EQ(hello.core_id(), 0u) << "it never had a link";
  EXPECT_EQ(hello.link(), 0u);
  EXPECT_FALSE(link_.connected());
  EXPECT_EQ(link_.Room(), 0u);
  EXPECT_EQ(link_.cost(), 0u);
  link_.Tick();
  stream().listener->OnStreamWritable();
  EXPECT_THAT(stream().written, IsEmpty());
}

TEST_F(LaneLinkTest, AWelcomeBeginsASessionInWhichThereIsRoom) {
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kFirst);
  EXPECT_THAT(listener_.sessions[0].unaccepted, IsEmpty());
  EXPECT_TRUE(link_.connected());
  EXPECT_EQ(link_.Room(), options_.window);
  EXPECT_GT(listener_.rooms, 0);
  Submit(1);
  EXPECT_THAT(Written(), ElementsAre(1));
}

TEST_F(LaneLinkTest, TheFleetOfItsCoreIsKnown) {
  TakeHello();
  CoreToLane welcome = WelcomeOf(Welcome::OUTCOME_NEW);
  stream().Say(welcome);
  EXPECT_EQ(link_.fleet(), 0u) << "a core alone";
  Reopen();
  TakeHello();
  welcome.mutable_welcome()->set_fleet("north");
  stream().Say(welcome);
  EXPECT_NE(link_.fleet(), 0u);
}

TEST_F(LaneLinkTest, AMoveToAPreferredCoreIsNoOutage) {
  Begin();
  FlushLog(absl::Seconds(5));
  testing::internal::CaptureStdout();
  End(0);
  FlushLog(absl::Seconds(5));
  const std::string log = testing::internal::GetCapturedStdout();
  EXPECT_NE(log.find("core_link_moves lane=3"), std::string::npos) << log;
  EXPECT_EQ(log.find("core_link_lost"), std::string::npos) << log;
}

TEST_F(LaneLinkTest, AFirstMessageThatIsNoWelcomeEndsTheStream) {
  TakeHello();
  CoreToLane old_version = WelcomeOf(Welcome::OUTCOME_NEW);
  old_version.mutable_welcome()->set_protocol_version(1);
  const CoreToLane nobody = WelcomeOf(Welcome::OUTCOME_NEW, 0);
  const CoreToLane unknown_link = WelcomeOf(Welcome::OUTCOME_RESUMED);
  for (const CoreToLane& message : {CoreToLane(), Numbered(1), old_version, nobody, unknown_link}) {
    stream().Say(message);
    EXPECT_TRUE(stream().cancelled);
    EXPECT_FALSE(link_.connected());
    stream().Say(WelcomeOf(Welcome::OUTCOME_NEW));
    EXPECT_THAT(listener_.sessions, IsEmpty()) << "of a stream that was refused";
    Reopen();
    TakeHello();
  }
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW));
  EXPECT_THAT(listener_.sessions, SizeIs(1));
}

// ---- writing

TEST_F(LaneLinkTest, OneWriteIsInFlightAndLaterEventsAreSentWithTheNext) {
  Begin();
  stream().one_at_a_time = true;
  for (uint64_t seq = 1; seq <= 4; ++seq) Submit(seq);
  auto written = stream().TakeWritten();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_THAT(link::Numbers(written[0]), ElementsAre(1));
  stream().FinishWrite();
  written = stream().TakeWritten();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_THAT(link::Numbers(written[0]), ElementsAre(2, 3, 4));
  stream().FinishWrite();
  EXPECT_THAT(stream().written, IsEmpty());
}

TEST_F(LaneLinkTest, RoomIsTheRestOfTheWindowAndGrowsWithAcknowledgements) {
  Begin();
  Submit(1, 4000);
  const size_t cost = link_.cost();
  EXPECT_GT(cost, 4000u);
  EXPECT_EQ(link_.Room(), options_.window - cost);
  Submit(2, 9000);
  EXPECT_EQ(link_.Room(), 0u);
  const int rooms = listener_.rooms;
  Acknowledge(1);
  EXPECT_THAT(listener_.accepted, ElementsAre(1));
  EXPECT_GT(listener_.rooms, rooms);
  Acknowledge(2);
  EXPECT_EQ(link_.Room(), options_.window);
  EXPECT_EQ(link_.cost(), 0u);
  EXPECT_THAT(listener_.accepted, ElementsAre(1, 2));
}

TEST_F(LaneLinkTest, HandledMessagesAreAcknowledgedByTheNextTick) {
  Begin();
  stream().Say(Numbered(1));
  ASSERT_THAT(listener_.messages, SizeIs(1));
  link_.Tick();
  const auto written = stream().TakeWritten();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].received(), 1u);
  EXPECT_EQ(written[0].number(), 0u);
}

TEST_F(LaneLinkTest, AnIdleLaneSendsEmptyMessagesAsOftenAsTheCoreAsks) {
  TakeHello();
  CoreToLane welcome = WelcomeOf(Welcome::OUTCOME_NEW);
  welcome.mutable_welcome()->set_beat_ms(2000);
  stream().Say(welcome);
  int beats = 0;
  for (int tick = 0; tick < 100; ++tick) {
    link_.Tick();
    const auto written = stream().TakeWritten();
    beats += static_cast<int>(written.size());
    for (const LaneToCore& message : written) EXPECT_EQ(message.ByteSizeLong(), 0u);
  }
  // In ten seconds.
  EXPECT_EQ(beats, 5);
}

// ---- streams that break

TEST_F(LaneLinkTest, AfterABreakTheLinkContinuesAndNothingIsLostOrDuplicated) {
  Begin();
  stream().Say(Numbered(1));
  for (uint64_t seq = 1; seq <= 3; ++seq) Submit(seq);
  EXPECT_THAT(Written(), ElementsAre(1, 2, 3));
  const auto old_stream = streams_->back();
  End();
  EXPECT_FALSE(link_.connected());
  EXPECT_TRUE(old_stream->destroyed);
  Submit(4);
  link_.Tick();
  executor_.Run();
  ASSERT_THAT(*streams_, SizeIs(2));
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_EQ(hello.core_id(), kCore);
  EXPECT_EQ(hello.link(), kLinkNumber);
  EXPECT_EQ(hello.received(), 1u);
  stream().Say(WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber, 2));
  EXPECT_THAT(listener_.sessions, IsEmpty()) << "the session goes on";
  EXPECT_THAT(listener_.accepted, ElementsAre(1, 2));
  EXPECT_THAT(Written(), ElementsAre(3, 4));
  EXPECT_TRUE(link_.connected());
  stream().Say(Numbered(1));  // resent needlessly
  stream().Say(Numbered(2));
  EXPECT_THAT(listener_.messages, SizeIs(2));
}

TEST_F(LaneLinkTest, ACoreThatContinuesAnotherLinkIsRefused) {
  Begin();
  Submit(1);
  for (const CoreToLane& message : {WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber + 1),
                                    WelcomeOf(Welcome::OUTCOME_RESUMED, kCore + 1, kLinkNumber),
                                    WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber, 2)}) {
    Reopen();
    TakeHello();
    stream().Say(message);
    EXPECT_TRUE(stream().cancelled);
    EXPECT_FALSE(link_.connected());
  }
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber, 0));
  EXPECT_THAT(Written(), ElementsAre(1)) << "nothing was lost by it";
}

TEST_F(LaneLinkTest, ACoreThatSkipsANumberOrAcknowledgesTooMuchIsRefused) {
  Begin();
  stream().Say(Numbered(2));
  EXPECT_TRUE(stream().cancelled);
  stream().Say(Numbered(1));
  EXPECT_THAT(listener_.messages, IsEmpty());
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_GIVEN_UP, kCore, kLinkNumber + 1));
  EXPECT_FALSE(stream().cancelled);
  Acknowledge(1);
  EXPECT_TRUE(stream().cancelled);
}

TEST_F(LaneLinkTest, ALinkThatWasBrokenDoesNotGoOn) {
  Begin();
  Submit(1);
  CoreToLane part;
  part.set_number(1);
  part.set_part("parts that make no message");
  stream().Say(part);
  EXPECT_TRUE(stream().cancelled);
  Reopen();
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_EQ(hello.core_id(), kCore);
  EXPECT_EQ(hello.link(), 0u) << "what came in the parts was counted as received, and is lost";
  stream().Say(WelcomeOf(Welcome::OUTCOME_GIVEN_UP, kCore, kLinkNumber + 1));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kGivenUp);
  EXPECT_THAT(listener_.sessions[0].unaccepted, SizeIs(1));
}

TEST_F(LaneLinkTest, HelloHasTheHighestGenerationThatACoreHasReported) {
  EXPECT_EQ(TakeHello().generation(), 0u);
  CoreToLane welcome = WelcomeOf(Welcome::OUTCOME_NEW);
  welcome.mutable_welcome()->set_generation(7);
  stream().Say(welcome);
  Reopen();
  EXPECT_EQ(TakeHello().generation(), 7u);
  welcome = WelcomeOf(Welcome::OUTCOME_NEW, kCore + 1);
  welcome.mutable_welcome()->set_generation(3);
  stream().Say(welcome);
  Reopen();
  EXPECT_EQ(TakeHello().generation(), 7u);
}

TEST_F(LaneLinkTest, AnotherCoreBeginsASessionWithTheUnacceptedBatches) {
  Begin();
  for (uint64_t seq = 1; seq <= 2; ++seq) Submit(seq);
  Acknowledge(1);
  End();
  Submit(3);
  clock_.Advance(absl::Seconds(7));
  executor_.Run();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW, kCore + 1, 9));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  const CoreSession& session = listener_.sessions[0];
  EXPECT_EQ(session.kind, CoreSession::Kind::kNewCore);
  EXPECT_EQ(session.outage, absl::Seconds(7));
  std::vector<uint64_t> numbers;
  for (const LaneToCore& message : session.unaccepted) {
    for (const uint64_t number : link::Numbers(message)) numbers.push_back(number);
  }
  EXPECT_THAT(numbers, ElementsAre(2, 3));
  EXPECT_EQ(link_.cost(), 0u);
  EXPECT_THAT(Written(), IsEmpty()) << "what is told again is the lane's business";
  Submit(4);
  EXPECT_EQ(stream().TakeWritten().at(0).number(), 1u) << "of a new link";
  Reopen();
  EXPECT_EQ(TakeHello().link(), 9u);
}

TEST_F(LaneLinkTest, TheLaneIsToldThatItsCoreHasGivenItUp) {
  Begin();
  for (uint64_t seq = 1; seq <= 3; ++seq) Submit(seq);
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_GIVEN_UP, kCore, 9));
  EXPECT_THAT(listener_.accepted, IsEmpty());
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kGivenUp);
  EXPECT_THAT(listener_.sessions[0].unaccepted, SizeIs(3));
}

TEST_F(LaneLinkTest, ALateLaneIsToldThatItIsLate) {
  Begin();
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_LATE, kCore + 1, 9));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kLate);
}

TEST_F(LaneLinkTest, AnOutageBeginsWithTheEndOfTheLastWelcomedStreamAndLastsOverFailedOnes) {
  Begin();
  End();
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Seconds(2));
    executor_.Run();
    End();
  }
  executor_.Run();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW, kCore + 1, 9));
  EXPECT_EQ(listener_.sessions.at(0).outage, absl::Seconds(6));
}

TEST_F(LaneLinkTest, HelloNamesTheLanesThatTheLaneKnows) {
  Begin();
  listener_.known.add_lanes(42);
  listener_.known.add_lanes(43);
  listener_.known.set_complete(true);
  Reopen();
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_THAT(hello.roster().lanes(), ElementsAre(42, 43));
  EXPECT_TRUE(hello.roster().complete());
}

// ---- messages of their own

TEST_F(LaneLinkTest, ABatchSubmittedApartIsSentInAMessageOfItsOwn) {
  Begin();
  stream().one_at_a_time = true;
  Submit(1);
  Submit(2);
  LaneToCore piece = link::Relay(3);
  link_.SubmitApart(piece);
  EXPECT_EQ(piece.events_size(), 0) << "not cleared";
  Submit(4);
  Submit(5);
  std::vector<std::vector<uint64_t>> messages;
  for (int i = 0; i < 4; ++i) {
    for (const LaneToCore& message : stream().TakeWritten())
      messages.push_back(link::Numbers(message));
    stream().FinishWrite();
  }
  EXPECT_THAT(messages,
              ElementsAre(ElementsAre(1), ElementsAre(2), ElementsAre(3), ElementsAre(4, 5)));
}

// ---- back-off

TEST_F(LaneLinkTest, PausesGrowToTheLongestAndBeginAgainAfterASteadyStream) {
  for (int i = 0; i < 20; ++i) Reopen();
  const absl::Duration longest = absl::FromChrono(link::kMaxBackoff);
  for (const absl::Duration wait : executor_.waits) EXPECT_LE(wait, longest);
  EXPECT_LE(executor_.waits.at(0), absl::FromChrono(link::kFirstBackoff));
  EXPECT_GT(executor_.waits.back(), absl::FromChrono(link::kFirstBackoff));
  EXPECT_THAT(*streams_, SizeIs(21));
  Begin();
  clock_.Advance(absl::FromChrono(link::kSteadyStream));
  executor_.waits.clear();
  Reopen();
  EXPECT_LE(executor_.waits.at(0), absl::FromChrono(link::kFirstBackoff));
}

// As of a proxy that ends each stream with a GOAWAY once its server has answered.
TEST_F(LaneLinkTest, StreamsThatEndRightAfterTheirWelcomeAreOpenedEverMoreSlowly) {
  Begin();
  for (int i = 0; i < 20; ++i) {
    Reopen();
    TakeHello();
    stream().Say(WelcomeOf(Welcome::OUTCOME_RESUMED));
  }
  EXPECT_TRUE(link_.connected());
  EXPECT_GE(executor_.waits.back(), absl::FromChrono(link::kMaxBackoff) / 2);
}

TEST_F(LaneLinkTest, WhileItPausesThereIsNoStreamAndNoHurry) {
  End();
  EXPECT_THAT(*streams_, SizeIs(1));
  EXPECT_EQ(executor_.posted(), 1u);
  link_.Tick();
  EXPECT_THAT(*streams_, SizeIs(1));
}

}  // namespace
}  // namespace cairn::edge
