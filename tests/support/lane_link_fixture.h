// A LaneLink on streams that a test writes to and breaks, and the link's calls to its lane.
#ifndef CAIRN_TESTS_SUPPORT_LANE_LINK_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_LANE_LINK_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "edge/lane_link.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_core_stream.h"
#include "tests/support/fake_loop_executor.h"
#include "tests/support/link_messages.h"

namespace cairn::edge {

inline constexpr uint64_t kCore = 77;
inline constexpr uint64_t kLinkNumber = 5;

class FakeLinkListener final : public CoreLinkListener {
 public:
  void OnSession(CoreSession session) override { sessions.push_back(std::move(session)); }
  void OnCoreMessage(signaling::v1::CoreToLane& message) override { messages.push_back(message); }
  void OnAccepted(signaling::v1::LaneToCore& message) override {
    for (const uint64_t number : link::Numbers(message)) accepted.push_back(number);
  }
  void OnRoom() override { ++rooms; }
  void FillInRosters(signaling::v1::Hello& hello) const override {
    *hello.mutable_roster() = known;
    *hello.mutable_told() = known.stamp();
  }

  std::vector<CoreSession> sessions;
  std::vector<signaling::v1::CoreToLane> messages;
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
  static signaling::v1::CoreToLane WelcomeOf(signaling::v1::Welcome::Outcome outcome,
                                             uint64_t core = kCore, uint64_t number = kLinkNumber,
                                             uint64_t received = 0) {
    signaling::v1::CoreToLane message;
    signaling::v1::Welcome* welcome = message.mutable_welcome();
    welcome->set_protocol_version(2);
    welcome->set_core_id(core);
    welcome->set_outcome(outcome);
    welcome->set_link(number);
    welcome->set_received(received);
    return message;
  }
  // Begins the first session; the messages of its opening are taken.
  void Begin() {
    TakeHello();
    stream().Say(WelcomeOf(signaling::v1::Welcome::OUTCOME_NEW));
    listener_.sessions.clear();
  }
  void End(int code = 14) { stream().listener->OnStreamEnded(code, "broke"); }
  // The stream ends, and after a pause the next one opens.
  void Reopen() {
    End();
    executor_.Run();
  }
  void Submit(uint64_t seq, size_t payload_bytes = 8) {
    signaling::v1::LaneToCore batch = link::Relay(seq, payload_bytes);
    link_.Submit(batch);
    EXPECT_EQ(batch.events_size(), 0) << "not cleared";
  }
  // The relays written since the last call.
  std::vector<uint64_t> Written() {
    std::vector<uint64_t> numbers;
    for (const signaling::v1::LaneToCore& message : stream().TakeWritten()) {
      for (const uint64_t number : link::Numbers(message)) numbers.push_back(number);
    }
    return numbers;
  }
  void Acknowledge(uint64_t received) {
    signaling::v1::CoreToLane message;
    message.set_received(received);
    stream().Say(message);
  }
  static signaling::v1::CoreToLane Numbered(uint64_t number) {
    signaling::v1::CoreToLane message = link::Delivery(number);
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

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_LANE_LINK_FIXTURE_H_
