// FakeLane: an edge's lane behind a link, as a router sees it: it keeps received messages until a
// test takes them.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_LANE_H_
#define CAIRN_TESTS_SUPPORT_FAKE_LANE_H_

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/edge_sink.h"
#include "proto/link/link.h"

namespace cairn::core {

// One stream. A message that is written arrives when the lane takes it.
class FakeLaneStream final : public LaneStream {
 public:
  bool Writable() override { return !busy; }
  void Write(const signaling::v1::CoreToLane& message) override {
    EXPECT_FALSE(busy) << "written to a stream that is not writable";
    written.push_back(message);
    busy = one_at_a_time;
  }
  void OnHandled(signaling::v1::LaneToCore&&) override { ++handled; }
  void Close(const absl::Status& status) override { closes.push_back(status); }

  std::deque<signaling::v1::CoreToLane> written;
  bool one_at_a_time = false;  // a write is in flight until a test clears `busy`
  bool busy = false;
  int handled = 0;  // batches that were given back
  std::vector<absl::Status> closes;
};

class FakeLane {
 public:
  using WireLink = link::Link<signaling::v1::LaneToCore, signaling::v1::CoreToLane>;

  FakeLane(uint64_t lane_id, std::string edge_name)
      : id(lane_id), edge(std::move(edge_name)), secret("secret of " + std::to_string(lane_id)) {}

  signaling::v1::Hello Hello() const {
    signaling::v1::Hello hello;
    hello.set_protocol_version(2);
    hello.set_lane_id(id);
    hello.set_secret(secret);
    hello.set_edge(edge);
    hello.set_core_id(core_id);
    hello.set_link(link_number);
    if (link) hello.set_received(link->received());
    *hello.mutable_roster() = roster;
    *hello.mutable_told() = roster.stamp();
    hello.mutable_earlier_cores()->Assign(earlier_cores.begin(), earlier_cores.end());
    hello.set_session(session);
    return hello;
  }

  // Handles the messages that were written to it, without the last `lost` ones, which are lost.
  void Receive(size_t lost = 0) {
    if (!stream) return;
    for (; stream->written.size() > lost; stream->written.pop_front()) {
      signaling::v1::CoreToLane& message = stream->written.front();
      if (message.has_welcome()) {
        OnWelcome(message.welcome());
        continue;
      }
      ASSERT_NE(link, nullptr) << "before a Welcome";
      const link::Receipt receipt = link->Receive(message, [this](auto& taken) {
        for (auto& event : *taken.mutable_events()) accepted.push_back(event.seq());
      });
      ASSERT_NE(receipt, link::Receipt::kBroken);
      if (receipt == link::Receipt::kHandle) messages.push_back(message);
    }
    stream->written.resize(lost);
  }
  std::vector<signaling::v1::CoreToLane> TakeMessages() {
    Receive();
    return std::exchange(messages, {});
  }
  // The deliveries of all messages since the last call, in order.
  std::vector<signaling::v1::Delivery> TakeDeliveries() {
    std::vector<signaling::v1::Delivery> deliveries;
    for (signaling::v1::CoreToLane& message : TakeMessages()) {
      for (signaling::v1::Delivery& delivery : *message.mutable_deliveries())
        deliveries.push_back(std::move(delivery));
    }
    return deliveries;
  }

  const uint64_t id;
  std::string edge;
  std::string secret;
  signaling::v1::Roster roster;  // in its Hello
  // The core of its link; 0: it never had one.
  uint64_t core_id = 0;
  uint64_t link_number = 0;
  std::vector<uint64_t> earlier_cores;  // in its Hello
  uint64_t session = 0;                 // the same
  std::unique_ptr<WireLink> link;
  std::shared_ptr<FakeLaneStream> stream;  // null: broken
  signaling::v1::Welcome welcome;          // the last
  std::vector<signaling::v1::CoreToLane> messages;
  std::vector<uint64_t>
      accepted;  // numbers of its events that the core has handled, 0 for those without
  // The messages that the last link had not delivered when the core began another.
  std::vector<signaling::v1::LaneToCore> unaccepted;

 private:
  void OnWelcome(const signaling::v1::Welcome& said) {
    welcome = said;
    if (said.outcome() == signaling::v1::Welcome::OUTCOME_RESUMED) {
      ASSERT_EQ(said.link(), link_number);
      ASSERT_TRUE(link->Attach(said.received(), [](auto&) {}));
      return;
    }
    if (link) unaccepted = link->TakeUnacknowledged();
    core_id = said.core_id();
    link_number = said.link();
    link = std::make_unique<WireLink>(size_t{4} << 20, size_t{80} << 20);
    ASSERT_TRUE(link->Attach(0, [](auto&) {}));
  }
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_FAKE_LANE_H_
