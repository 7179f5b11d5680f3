// RouterTest: a router between fake lanes.
#ifndef CAIRN_TESTS_SUPPORT_ROUTER_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_ROUTER_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/router.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_edge_sink.h"

namespace cairn::core {

// One batch of a lane, event by event.
class Batch {
 public:
  Batch& Opened(uint64_t peer, bool wants_presence = false) {
    Add(signaling::v1::LaneEvent::KIND_PEER_OPENED, peer)
        .mutable_info()
        ->set_wants_presence(wants_presence);
    return *this;
  }
  Batch& Closed(uint64_t peer, uint32_t code = 0, const std::string& reason = "client_gone") {
    signaling::v1::LaneEvent& event = Add(signaling::v1::LaneEvent::KIND_PEER_CLOSED, peer);
    event.set_close_code(code);
    event.set_close_reason(reason);
    return *this;
  }
  Batch& Subscribed(uint64_t peer, const std::string& topic, bool wants_answer = false) {
    signaling::v1::LaneEvent& event = Add(signaling::v1::LaneEvent::KIND_SUBSCRIBED, peer);
    event.set_topic(topic);
    event.set_wants_answer(wants_answer);
    return *this;
  }
  Batch& Unsubscribed(uint64_t peer, const std::string& topic) {
    Add(signaling::v1::LaneEvent::KIND_UNSUBSCRIBED, peer).set_topic(topic);
    return *this;
  }
  Batch& Relayed(uint64_t peer, const std::string& topic, uint64_t seq,
                 bool sender_subscribed = false) {
    signaling::v1::LaneEvent& event = Add(signaling::v1::LaneEvent::KIND_RELAYED, peer);
    event.set_topic(topic);
    event.set_payload("payload " + std::to_string(seq));
    event.set_seq(seq);
    event.set_sender_subscribed(sender_subscribed);
    return *this;
  }
  Batch& Delivered(uint64_t delivery_seq) {
    batch_.set_delivered_seq(delivery_seq);
    return *this;
  }
  // Any other, and the last one for what its kind leaves open.
  signaling::v1::LaneEvent& Add(signaling::v1::LaneEvent::Kind kind, uint64_t peer) {
    signaling::v1::LaneEvent* event = batch_.add_events();
    event->set_kind(kind);
    event->set_peer(peer);
    return *event;
  }
  signaling::v1::LaneEvent& last() { return *batch_.mutable_events()->rbegin(); }

  const signaling::v1::LaneToCore& message() const { return batch_; }

 private:
  signaling::v1::LaneToCore batch_;
};

class RouterTest : public testing::Test {
 protected:
  using Sink = std::shared_ptr<FakeEdgeSink>;

  // A lane whose snapshot, empty, is over. Its welcome is taken.
  Sink Open(uint64_t lane_id, const std::string& edge = "edge") {
    Sink sink = OpenInSnapshot(lane_id, edge);
    Batch end;
    end.Add(signaling::v1::LaneEvent::KIND_SNAPSHOT_END, 0);
    Say(sink, end);
    sink->messages.clear();
    return sink;
  }
  Sink OpenInSnapshot(uint64_t lane_id, const std::string& edge = "edge") {
    auto sink = std::make_shared<FakeEdgeSink>();
    signaling::v1::Hello hello;
    hello.set_lane_id(lane_id);
    hello.set_edge(edge);
    RouterInput input = LaneOpened{sink, hello};
    router_.Handle(input);
    return sink;
  }
  void Say(const Sink& sink, const Batch& batch) {
    sink->sent.Acknowledged(batch.message().delivered_seq());
    RouterInput input = LaneBatch{sink, batch.message()};
    router_.Handle(input);
  }
  // Its stream breaks.
  void Break(const Sink& sink) {
    RouterInput input = LaneClosed{sink};
    router_.Handle(input);
  }
  // Its stream breaks, and it does not come back.
  void Close(const Sink& sink) {
    Break(sink);
    clock_.Advance(absl::Microseconds(LaneAbsence::kGraceUs));
    RouterInput input = Tick{};
    router_.Handle(input);
  }
  void Call(std::function<void(Router&)> run) {
    RouterInput input = AdminCall{std::move(run)};
    router_.Handle(input);
  }
  // The origin numbers of what a lane was sent since the last call.
  static std::vector<uint64_t> Delivered(const Sink& sink) {
    std::vector<uint64_t> numbers;
    for (const auto& delivery : sink->TakeDeliveries()) numbers.push_back(delivery.origin_seq());
    return numbers;
  }
  // What a lane was last told to be acknowledged since the last call; 0: nothing.
  uint64_t Acked(const Sink& sink) {
    RouterInput tick = Tick{};
    router_.Handle(tick);
    uint64_t acked = 0;
    for (const auto& message : sink->TakeMessages()) {
      if (message.acked_seq() != 0) acked = message.acked_seq();
    }
    return acked;
  }
  // "KIND peer topic count" of the notices a lane was sent since the last call.
  static std::vector<std::string> Notices(const Sink& sink) {
    std::vector<std::string> words;
    for (const auto& message : sink->TakeMessages()) {
      for (const auto& notice : message.notices()) {
        words.push_back(signaling::v1::Notice::Kind_Name(notice.kind()).substr(5) + " " +
                        std::to_string(notice.peer()) + " " + notice.topic() + " " +
                        std::to_string(notice.count()));
      }
    }
    return words;
  }
  void ExpectNothingLeft() const {
    const Directory& directory = router_.directory();
    EXPECT_TRUE(directory.topics().empty());
    EXPECT_TRUE(directory.topic_names().empty());
    EXPECT_TRUE(directory.peer_ids().empty());
    EXPECT_EQ(directory.subscription_count(), 0u);
    EXPECT_EQ(router_.held_queries(), 0u);
  }

  static constexpr uint64_t kCoreId = 77;
  FakeClock clock_;
  Router router_{kCoreId, clock_};
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_ROUTER_FIXTURE_H_
