// Random lives of lanes and peers, compared with a model that is too simple to be wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;

constexpr uint64_t kLanes = 4;
constexpr uint64_t kPeers = 12;
constexpr uint64_t kTopics = 5;

using SubscribersByLane = std::array<uint32_t, kLanes + 1>;  // lanes are numbered from 1

struct ModelPeer {
  uint64_t lane = 0;
  std::set<std::string> topics;
};

class RouterRandomTest : public RouterTest {
 protected:
  struct ModelLane {
    LanePtr lane;          // null: it never was there, or was given up
    uint64_t relayed = 0;  // number of its last relay
    uint64_t settled = 0;  // how many of its relays since the lane was opened
    uint64_t first = 0;    // the last relay before that
  };

  void Step() {
    const uint64_t lane = 1 + random_() % kLanes;
    if (!lanes_[lane].lane) return OpenLane(lane);
    switch (random_() % 20) {
      case 0:
        return CloseLane(lane);
      case 1:  // the edge has started over before its old stream's end is noticed
        ForgetPeersOf(lane);
        lanes_[lane].lane->stream = nullptr;
        return OpenLane(lane);
      case 2:  // its stream breaks
        Break(lanes_[lane].lane);
        EXPECT_EQ(Connect(lanes_[lane].lane), Welcome::OUTCOME_RESUMED);
        return;
      default:
        StepOfPeer(lane, 1 + random_() % kPeers, "t" + std::to_string(random_() % kTopics));
    }
  }

  void CheckTables() const {
    size_t subscriptions = 0;
    std::map<std::string, SubscribersByLane> interests;
    for (const auto& [id, peer] : peers_) {
      subscriptions += peer.topics.size();
      for (const std::string& topic : peer.topics) ++interests[topic][peer.lane];
    }
    const Directory& directory = router_->directory();
    ASSERT_EQ(directory.peer_ids().size(), peers_.size());
    ASSERT_EQ(directory.subscription_count(), subscriptions);
    ASSERT_EQ(directory.topics().size(), interests.size());
    ASSERT_EQ(directory.topic_names().size(), interests.size());
    for (const auto& [topic, lanes] : interests) {
      const TopicRecord* record = directory.Topic(topic);
      ASSERT_NE(record, nullptr) << topic;
      SubscribersByLane actual{};
      for (const Interest& interest : record->interests) {
        ASSERT_NE(interest.subscribers, 0u) << topic;
        actual[interest.lane->id] += interest.subscribers;
      }
      ASSERT_EQ(actual, lanes) << topic;
    }
  }

  // When every lane has answered, every relay is settled.
  void CheckSettled() {
    for (uint64_t lane = 1; lane <= kLanes; ++lane) AnswerFor(lane);
    TickNow();
    for (auto& [id, model] : lanes_) {
      if (!model.lane) continue;
      Take(model);
      EXPECT_EQ(model.settled, model.relayed - model.first);
    }
  }
  void OpenLane(uint64_t id) {
    ModelLane& model = lanes_[id];
    Forget(model.lane);
    model.lane = Open(id);
    model.first = model.relayed;
    model.settled = 0;
    Take(model);
  }
  void CloseLane(uint64_t id) {
    ModelLane& model = lanes_[id];
    if (!model.lane) return;
    // The others answer while time passes; what they are told by it is not lost.
    Close(model.lane);
    Forget(model.lane);
    model.lane = nullptr;
    ForgetPeersOf(id);
  }
  // It does not come back: the fixture need not ask it for answers at every tick.
  void Forget(const LanePtr& lane) { std::erase(RouterTest::lanes_, lane); }

  std::mt19937 random_;

 private:
  void StepOfPeer(uint64_t lane, uint64_t id, const std::string& topic) {
    const auto it = peers_.find(id);
    if (it == peers_.end() || it->second.lane != lane) {
      // New, or known on another lane, which changes nothing.
      Say(lanes_[lane].lane, Batch().Opened(id));
      if (it == peers_.end()) peers_[id] = {lane, {}};
      return;
    }
    ModelPeer& peer = it->second;
    switch (random_() % 8) {
      case 0:
        Say(lanes_[lane].lane, Batch().Closed(id));
        peers_.erase(it);
        return;
      case 1:
      case 2:
        Say(lanes_[lane].lane, Batch().Unsubscribed(id, topic));
        peer.topics.erase(topic);
        return;
      case 3:
      case 4:
      case 5:
        Say(lanes_[lane].lane, Batch().Subscribed(id, topic));
        peer.topics.insert(topic);
        return;
      default:
        Relay(lane, id, topic);
    }
  }
  void Relay(uint64_t lane, uint64_t from, const std::string& topic) {
    std::set<uint64_t> expected, actual;
    for (const auto& [id, peer] : peers_) {
      if (id != from && peer.topics.contains(topic)) expected.insert(peer.lane);
    }
    Say(lanes_[lane].lane, Batch().Relayed(from, topic, ++lanes_[lane].relayed));
    for (auto& [id, model] : lanes_) {
      const size_t copies = Take(model);
      ASSERT_LE(copies, 1u);
      if (copies > 0) actual.insert(id);
    }
    ASSERT_EQ(actual, expected);
    AnswerFor(1 + random_() % kLanes);
  }
  // The deliveries it got since the last call.
  static size_t Take(ModelLane& model) {
    size_t deliveries = 0;
    if (!model.lane) return 0;
    const auto messages = model.lane->TakeMessages();
    model.settled += SettledIn(messages).size();
    for (const auto& message : messages)
      deliveries += static_cast<size_t>(message.deliveries_size());
    return deliveries;
  }
  void AnswerFor(uint64_t id) {
    if (lanes_[id].lane) Answer(lanes_[id].lane);
  }
  void ForgetPeersOf(uint64_t lane) {
    std::erase_if(peers_, [lane](const auto& entry) { return entry.second.lane == lane; });
  }

  std::map<uint64_t, ModelLane> lanes_;
  std::map<uint64_t, ModelPeer> peers_;
};

TEST_F(RouterRandomTest, ItsTablesAndItsRoutesAreTheModelsAndNothingIsLeft) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    for (int step = 0; step < 1000; ++step) {
      Step();
      CheckTables();
      ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    }
    CheckSettled();
    for (uint64_t lane = 1; lane <= kLanes; ++lane) CloseLane(lane);
    ExpectNothingLeft();
    EXPECT_TRUE(router_->directory().lanes().empty());
  }
}

}  // namespace
}  // namespace cairn::core
