#include "core/presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/fan_out.h"
#include "core/published_records.h"
#include "tests/support/router_parts.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::Notice;
using testing::ElementsAre;
using testing::IsEmpty;

class Watcher final : public EventListener {
 public:
  void OnEvent(const signaling::v1::Event& event) override {
    kinds.push_back(signaling::v1::Event::Kind_Name(event.kind()).substr(5));
  }
  std::vector<std::string> kinds;
};

class PresenceTest : public testing::Test {
 protected:
  static LaneEvent Event(uint64_t peer, const std::string& topic, bool is_new = true) {
    LaneEvent event;
    event.set_peer(peer);
    event.set_topic(topic);
    event.set_is_new(is_new);
    return event;
  }
  PeerRecord& Open(LaneRecord& lane, uint64_t id, bool wants_presence = true) {
    LaneEvent event = Event(id, "");
    event.mutable_info()->set_wants_presence(wants_presence);
    presence_.Open(lane, event);
    return *parts_.directory.FindPeer(id);
  }

  RouterParts parts_;
  PublishedRecords records_{parts_.directory, parts_.output, parts_.turn};
  Presence presence_{parts_.turn,        parts_.directory, parts_.output, parts_.feed,
                     records_.answers(), parts_.counters,  parts_.mesh};
  LaneRecord& lane_ = parts_.AddLane(1, "edge");
  LaneRecord& other_ = parts_.AddLane(2, "other");
};

TEST_F(PresenceTest, OtherWatchersAreToldOfAPeerThatJoinsAndLeaves) {
  PeerRecord& peer = Open(lane_, 10);
  PeerRecord& watcher = Open(other_, 20);
  presence_.Subscribe(watcher, Event(20, "t"));
  EXPECT_THAT(RouterParts::Notices(other_), IsEmpty()) << "nobody else is there";
  presence_.Subscribe(peer, Event(10, "t"));
  EXPECT_THAT(RouterParts::Notices(other_), ElementsAre("JOINED 10 t 0"));
  EXPECT_THAT(RouterParts::Notices(lane_), IsEmpty()) << "its own";
  presence_.Unsubscribe(peer, "t");
  EXPECT_THAT(RouterParts::Notices(other_), ElementsAre("LEFT 10 t 0"));
  presence_.Subscribe(peer, Event(10, "t"));
  RouterParts::Take(other_);
  presence_.Close(peer, 1000, "client_gone");
  EXPECT_THAT(RouterParts::Notices(other_), ElementsAre("LEFT 10 t 0"));
  EXPECT_EQ(parts_.directory.FindPeer(10), nullptr);
}

TEST_F(PresenceTest, ASubscriptionThatIsNotNewOrNotWatchedIsNotTold) {
  PeerRecord& peer = Open(lane_, 10);
  presence_.Subscribe(Open(other_, 20), Event(20, "t"));
  presence_.Subscribe(Open(other_, 21, false), Event(21, "u"));
  presence_.Subscribe(peer, Event(10, "t", false));
  presence_.Subscribe(peer, Event(10, "u"));
  EXPECT_THAT(RouterParts::Notices(other_), IsEmpty());
}

TEST_F(PresenceTest, AnAnswerCountsTheOthers) {
  PeerRecord& peer = Open(lane_, 10);
  presence_.Subscribe(Open(other_, 20, false), Event(20, "t"));
  presence_.Subscribe(Open(lane_, 11, false), Event(11, "t"));
  LaneEvent event = Event(10, "t");
  event.set_wants_answer(true);
  presence_.Subscribe(peer, event);
  EXPECT_THAT(RouterParts::Notices(lane_), ElementsAre("SUBSCRIBED 10 t 2"));
}

TEST_F(PresenceTest, NoticesToManyCountAsWorkOfThePeerWhichItsLaneIsTold) {
  PeerRecord& peer = Open(lane_, 10, false);
  for (uint64_t id = 100; id < 100 + kFanOutPerNotice; ++id) parts_.AddPeer(other_, id, "t", true);
  presence_.Subscribe(peer, Event(10, "t"));
  EXPECT_THAT(RouterParts::Notices(lane_),
              ElementsAre("FAN_OUT 10  " + std::to_string(kFanOutPerNotice)));
  EXPECT_EQ(peer.fan_out, 0u);
}

TEST_F(PresenceTest, ANoticeOfTheMeshGoesToAllWatchersOrOnlyToOne) {
  Open(lane_, 10);
  presence_.Subscribe(*parts_.directory.FindPeer(10), Event(10, "t"));
  presence_.Subscribe(Open(other_, 20), Event(20, "t"));
  RouterParts::Take(lane_);
  presence_.Announce(Notice::KIND_JOINED, 99, "t", 0);
  EXPECT_THAT(RouterParts::Notices(lane_), ElementsAre("JOINED 99 t 0"));
  EXPECT_THAT(RouterParts::Notices(other_), ElementsAre("JOINED 99 t 0"));
  presence_.Announce(Notice::KIND_JOINED, 99, "t", 20);
  EXPECT_THAT(RouterParts::Notices(lane_), IsEmpty());
  EXPECT_THAT(RouterParts::Notices(other_), ElementsAre("JOINED 99 t 0"));
}

TEST_F(PresenceTest, OperatorsSeeWhatHappensAndAnEdgeOnlyWithItsFirstAndLastLane) {
  auto watcher = std::make_shared<Watcher>();
  ASSERT_TRUE(parts_.feed.AddWatcher(watcher, {}, LiveFeed::Place::kOperator));
  presence_.OnLaneUp(other_);
  PeerRecord& peer = Open(lane_, 10);
  presence_.Subscribe(peer, Event(10, "t"));
  presence_.Unsubscribe(peer, "t");
  presence_.Close(peer, 1000, "client_gone");
  EXPECT_THAT(std::exchange(watcher->kinds, {}),
              ElementsAre("EDGE_UP", "CONNECTED", "SUBSCRIBED", "UNSUBSCRIBED", "CLOSED"));
  LaneRecord& second = parts_.AddLane(3, "other");
  presence_.OnLaneUp(second);
  presence_.OnLaneDown(second);
  EXPECT_THAT(watcher->kinds, IsEmpty()) << "its edge has another lane";
}

TEST_F(PresenceTest, AnEventThatChangesNothingIsCounted) {
  PeerRecord& peer = Open(lane_, 10);
  presence_.Unsubscribe(peer, "never subscribed");
  LaneEvent again = Event(10, "");
  presence_.Open(other_, again);
  EXPECT_EQ(parts_.counters.events_ignored, 2u);
}

}  // namespace
}  // namespace cairn::core
