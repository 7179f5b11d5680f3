// RouterTest: a router between fake lanes behind links.
#ifndef CAIRN_TESTS_SUPPORT_ROUTER_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_ROUTER_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/router.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_lane.h"
#include "tests/support/lane_batch.h"

namespace cairn::core {

class RouterTest : public testing::Test {
 protected:
  using LanePtr = std::shared_ptr<FakeLane>;
  using Outcome = signaling::v1::Welcome::Outcome;
  using Welcome = signaling::v1::Welcome;

  enum class Age { kJustStarted, kRunning };
  // A core that is running does not hold relays for lanes that may be about to reconnect.
  explicit RouterTest(Age age = Age::kRunning) {
    if (age == Age::kRunning) FinishStart();
  }
  // Ends the hold of a core that was not restarted: it waits for a first lane, which connects and
  // leaves, and for kStartHold.
  void FinishStart() {
    const LanePtr first = OpenInSnapshot(kFirstLane, "first");
    Say(first, Batch().Goodbye());
    Break(first);
    clock_.Advance(absl::FromChrono(link::kStartHold));
    TickNow();
    EXPECT_FALSE(router_->hold().holding());
  }

  // ---- lanes

  // A lane that has sent its empty snapshot. The messages that it got until then are taken.
  LanePtr Open(uint64_t lane_id, const std::string& edge = "edge") {
    LanePtr lane = OpenInSnapshot(lane_id, edge);
    Say(lane, Batch().SnapshotEnd());
    lane->TakeMessages();
    return lane;
  }
  LanePtr OpenInSnapshot(uint64_t lane_id, const std::string& edge = "edge") {
    auto lane = std::make_shared<FakeLane>(lane_id, edge);
    lanes_.push_back(lane);
    Connect(lane);
    return lane;
  }
  // The lane opens a stream. Returns the outcome in Welcome.
  Outcome Connect(const LanePtr& lane) {
    lane->stream = std::make_shared<FakeLaneStream>();
    Enter(LaneOpened{lane->stream, lane->Hello()});
    lane->welcome.Clear();
    lane->Receive();
    if (lane->link && lane->link->attached()) Write(lane);
    return lane->welcome.outcome();
  }
  // The lane sends the batch, and acknowledges the messages that it has taken. Without a stream, it
  // does so on the next one.
  void Say(const LanePtr& lane, const Batch& batch) {
    signaling::v1::LaneToCore message = batch.message();
    lane->link->Append(message);
    Write(lane);
  }
  // The lane handles and acknowledges every message that was written to it.
  void Answer(const LanePtr& lane) {
    lane->Receive();
    lane->link->AckNow();
    lane->link->BeatNow();
    Write(lane);
  }
  void AnswerAll() {
    for (const LanePtr& lane : lanes_) {
      if (lane->stream && lane->stream->closes.empty()) Answer(lane);
    }
  }
  // Its stream breaks. Messages that it has not taken are lost.
  void Break(const LanePtr& lane) {
    const auto stream = std::exchange(lane->stream, nullptr);
    lane->link->Detach();
    Enter(LaneClosed{stream});
  }
  // Its stream breaks, and it does not reconnect in time, while all others acknowledge.
  void Close(const LanePtr& lane) {
    // It gets and acknowledges what is left for it.
    for (int i = 0; i < 2; ++i) {
      TickNow();
      AnswerAll();
    }
    Break(lane);
    Pass(limits_.lane_timeout + absl::Microseconds(1));
  }
  // Time passes, in which lanes with a stream acknowledge messages.
  void Pass(absl::Duration time) {
    AnswerAll();
    Elapse(time, [this] { AnswerAll(); });
    AnswerAll();
  }
  // Time passes, in which nothing happens but `meanwhile` before each tick.
  void Elapse(
      absl::Duration time, const std::function<void()>& meanwhile = [] {}) {
    // A core that does not tick for longer was stopped, and excuses all lanes.
    constexpr absl::Duration kStep = absl::Seconds(1);
    for (; time > absl::ZeroDuration(); time -= kStep) {
      clock_.Advance(std::min(time, kStep));
      meanwhile();
      TickNow();
    }
  }

  // ---- the router
  void Enter(RouterInput input) {
    router_->Handle(input);
    while (router_->WantsTurn()) {
      RouterInput go_on = Continue{};
      router_->Handle(go_on);
    }
  }
  void TickNow() { Enter(Tick{}); }
  void Call(std::function<void(Router&)> run) { Enter(AdminCall{std::move(run)}); }
  // Another core, without any state, takes its place; streams are broken.
  void Restart(uint64_t core_id) {
    for (const LanePtr& lane : lanes_) {
      lane->stream = nullptr;
      if (lane->link) lane->link->Detach();
    }
    router_ = std::make_unique<Router>(core_id, limits_, clock_);
  }

  // ---- what lanes were sent

  // The origin numbers since the last call.
  static std::vector<uint64_t> Delivered(const LanePtr& lane) {
    std::vector<uint64_t> numbers;
    for (const auto& delivery : lane->TakeDeliveries()) numbers.push_back(delivery.origin_seq());
    return numbers;
  }
  // The numbers of the relays that the lane is told are settled, up to the next tick.
  std::vector<uint64_t> Settled(const LanePtr& lane) {
    TickNow();
    return SettledIn(lane->TakeMessages());
  }
  static std::vector<uint64_t> SettledIn(const std::vector<signaling::v1::CoreToLane>& messages) {
    std::vector<uint64_t> numbers;
    for (const auto& message : messages) {
      for (int i = 0; i + 1 < message.settled_size(); i += 2) {
        for (uint64_t n = message.settled(i); n <= message.settled(i + 1); ++n)
          numbers.push_back(n);
      }
    }
    return numbers;
  }
  // "KIND peer topic count" of the notices since the last call.
  static std::vector<std::string> Notices(const LanePtr& lane) {
    std::vector<std::string> words;
    for (const auto& message : lane->TakeMessages()) {
      for (const auto& notice : message.notices()) {
        words.push_back(signaling::v1::Notice::Kind_Name(notice.kind()).substr(5) + " " +
                        std::to_string(notice.peer()) + " " + notice.topic() + " " +
                        std::to_string(notice.count()));
      }
    }
    return words;
  }

  uint64_t Ended(LaneEnd reason) const {
    return router_->counters().lanes_ended[static_cast<size_t>(reason)];
  }
  size_t lane_count() const { return router_->directory().lanes().size(); }
  void ExpectNothingLeft() const {
    const Directory& directory = router_->directory();
    EXPECT_TRUE(directory.topics().empty());
    EXPECT_TRUE(directory.topic_names().empty());
    EXPECT_TRUE(directory.peer_ids().empty());
    EXPECT_EQ(directory.subscription_count(), 0u);
    EXPECT_EQ(router_->held_queries(), 0u);
  }

  static constexpr uint64_t kCoreId = 77;
  static constexpr uint64_t kFirstLane = 999'999;
  FakeClock clock_;
  CoreLimits limits_;
  std::unique_ptr<Router> router_ = std::make_unique<Router>(kCoreId, limits_, clock_);

  std::vector<LanePtr> lanes_;

 private:
  void Write(const LanePtr& lane) {
    while (lane->stream && lane->link->HasNext()) {
      // A copy: the lane keeps it until it is acknowledged.
      const signaling::v1::LaneToCore message = lane->link->Next();
      Enter(LaneBatch{lane->stream, message});
    }
  }
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_ROUTER_FIXTURE_H_
