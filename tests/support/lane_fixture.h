// LaneTest: a lane between fake clients and a fake link.
#ifndef CAIRN_TESTS_SUPPORT_LANE_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_LANE_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "edge/lane.h"
#include "tests/support/fake_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_core_link.h"

namespace cairn::edge {

class LaneTest : public testing::Test {
 protected:
  static constexpr uint64_t kLane = 42;
  static constexpr uint64_t kOtherLane = 43;

  // The session has begun, and the empty snapshot has been sent.
  LaneTest() {
    lane_.Connect(&link_);
    Said();
  }

  Lane::Member* Join(uint64_t peer, wire::Dialect dialect = wire::Dialect::kNative) {
    Lane::PeerFacts facts;
    facts.dialect = dialect;
    return lane_.Join(peer, &clients_[peer], std::move(facts));
  }
  Lane::Member* JoinAndSubscribe(uint64_t peer, const std::string& topic) {
    Lane::Member* member = Join(peer);
    lane_.Subscribe(member, topic);
    return member;
  }

  void Relay(const Lane::Member* member, std::string_view topic, std::string_view payload) {
    wire::Message message;
    message.kind = wire::MessageKind::kRelay;
    message.topic = topic;
    message.payload = payload;
    lane_.Relay(member, message, 0);
  }

  static void AddDelivery(signaling::v1::CoreToLane& message, uint64_t origin, uint64_t seq,
                          uint64_t from, const std::string& topic, const std::string& payload) {
    signaling::v1::Delivery* delivery = message.add_deliveries();
    delivery->set_origin_lane(origin);
    delivery->set_origin_seq(seq);
    delivery->set_from(from);
    delivery->set_topic(topic);
    delivery->set_payload(payload);
  }
  void Deliver(uint64_t seq, uint64_t from, const std::string& topic,
               const std::string& payload = "p", uint64_t origin = kOtherLane) {
    signaling::v1::CoreToLane message;
    AddDelivery(message, origin, seq, from, topic, payload);
    lane_.OnCoreMessage(message);
  }
  // The clients that get a relay to the topic from a peer of another lane.
  std::set<uint64_t> Reached(const std::string& topic) {
    for (auto& [peer, client] : clients_) client.frames.clear();
    Deliver(++probe_, 999'999, topic);
    std::set<uint64_t> peers;
    for (auto& [peer, client] : clients_) {
      if (!client.frames.empty()) peers.insert(peer);
      EXPECT_LE(client.frames.size(), 1u) << "two copies";
      client.frames.clear();
    }
    return peers;
  }
  // The events that the lane has sent since the last call: "kind peer topic".
  std::vector<std::string> Said() {
    lane_.Flush();
    std::vector<std::string> words;
    for (const signaling::v1::LaneEvent& event : link_.TakeEvents()) words.push_back(Word(event));
    return words;
  }
  static std::string Word(const signaling::v1::LaneEvent& event) {
    const std::string kind = signaling::v1::LaneEvent::Kind_Name(event.kind()).substr(5);
    return kind + " " + std::to_string(event.peer()) +
           (event.topic().empty() ? "" : " " + event.topic());
  }
  void Settle(uint64_t first, uint64_t last) {
    signaling::v1::CoreToLane message;
    message.add_settled(first);
    message.add_settled(last);
    lane_.OnCoreMessage(message);
  }
  uint64_t Dropped(DropReason reason) const {
    return counters_.drops[static_cast<size_t>(reason)].Get();
  }

  FakeClock clock_;
  EdgeLimits limits_;
  EdgeCounters counters_;
  std::map<uint64_t, FakeClient> clients_;
  Lane lane_{{kLane, "edge-1", 3}, limits_, counters_, clock_};
  FakeCoreLink link_{lane_};
  uint64_t probe_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_LANE_FIXTURE_H_
