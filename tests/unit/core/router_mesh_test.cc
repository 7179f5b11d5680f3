// A router of a fleet: lanes that go from one core to another, and what becomes of relays
// meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/describe_cores.h"
#include "tests/support/router_mesh_fixture.h"

namespace cairn::core {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr uint64_t kOther = 100, kThird = 101;

class LanesOfAFleet : public RouterMesh {
 protected:
  // A lane of this core with a subscriber of "t", and `sender` at the other core.
  LanesOfAFleet() : other_(MeetCore(kOther)), listener_(Open(1)) {
    Say(listener_, Batch().Opened(10).Subscribed(10, "t"));
    TickNow();
    EXPECT_FALSE(router_->hold().holding());
    Tell(other_, Found(1, 0), Here(kSender, 1), Ready(kSender, 1));
    listener_->TakeMessages();
    other_->heard.clear();
  }
  // The lane opens a stream to this core, of which it never hears.
  void OpenInVain(uint64_t lane_id, uint64_t session) {
    auto lane = std::make_shared<FakeLane>(lane_id, "elsewhere");
    lane->core_id = kOther;
    lane->link_number = 1;
    lane->session = session;
    Enter(LaneOpened{std::make_shared<FakeLaneStream>(), lane->Hello()});
    Carry();
  }
  // The sender's lane, which moves from the other core to this one as soon as it connects.
  LanePtr SenderOfTheOther() {
    const LanePtr sender = std::make_shared<FakeLane>(kSender, "edge");
    sender->core_id = kOther;
    sender->session = 2;
    lanes_.push_back(sender);
    return sender;
  }

  static constexpr uint64_t kSender = 5;
  const CorePtr other_;
  const LanePtr listener_;
};

TEST_F(LanesOfAFleet, ACoreThatWasGivenUpIsShownForAnHourOrUntilItIsBack) {
  const auto named = [](uint64_t id, const std::string& name) {
    Message beat;
    beat.set_protocol_version(Mesh::kProtocolVersion);
    beat.set_from(id);
    beat.mutable_beat()->set_name(name);
    return beat;
  };
  const auto shown = [this] {
    std::vector<std::string> texts;
    signaling::v1::ListCoresResponse cores;
    DescribeCores(*router_, "self", "1", cores);
    for (const signaling::v1::CoreInfo& core : cores.cores()) {
      texts.push_back(core.name() + " " + core.given_up() + " " +
                      std::to_string(core.given_up_us() / 1'000'000));
    }
    return texts;
  };
  const CorePtr third = MeetCore(kThird);
  Enter(MeshArrived{named(kOther, "other")});
  Enter(MeshArrived{named(kThird, "third")});
  EXPECT_THAT(shown(), ElementsAre("self  0", "other  0", "third  0"));
  const auto pass = [this, &named](absl::Duration time, bool hears_third) {
    for (const absl::Duration end = now() + time; now() < end;) {
      clock_.Advance(absl::Milliseconds(100));
      if (hears_third) Enter(MeshArrived{named(kThird, "third")});
      TickNow();
      Carry();
    }
  };
  cores_.erase(kOther);
  pass(limits_.lane_timeout + absl::Seconds(5), true);
  EXPECT_THAT(shown(), ElementsAre("self  0", "third  0", "other core_timeout 4"));
  cores_.erase(kThird);
  pass(limits_.lane_timeout + absl::Seconds(5), false);
  EXPECT_THAT(shown(), ElementsAre("self  0", testing::StartsWith("other core_timeout 1"),
                                   "third core_timeout 4"));
  Enter(MeshArrived{named(kThird + 1, "third")});
  EXPECT_THAT(shown(), ElementsAre("self  0", "third  0", testing::StartsWith("other ")))
      << "it was restarted, and has another id";
  clock_.Advance(absl::Hours(1));
  TickNow();
  EXPECT_THAT(shown(), Not(Contains(testing::StartsWith("other "))));
}

TEST_F(LanesOfAFleet, ARelayOfALaneThatHasTriedThisCoreInVainIsTaken) {
  OpenInVain(kSender, 2);
  // It goes on with its link at the other core, which has sent this before and does not repeat it.
  Tell(other_, Relayed(kSender, 50, "t", 1, 1));
  EXPECT_THAT(Delivered(listener_), ElementsAre(1));
  Tell(other_, Here(kSender, 3), Ready(kSender, 3), Relayed(kSender, 50, "t", 2, 2));
  EXPECT_THAT(Delivered(listener_), ElementsAre(2));
}

TEST_F(LanesOfAFleet, ARelayOfALaneThatHasTriedAThirdCoreInVainIsTaken) {
  const CorePtr third = MeetCore(kThird);
  Tell(third, Found(1, 0), Here(kSender, 2, false));
  Tell(other_, Relayed(kSender, 50, "t", 1, 1));
  EXPECT_THAT(Delivered(listener_), ElementsAre(1));
}

TEST_F(LanesOfAFleet, ARelayOfALaneIsStaleOnceItHasToldItsSnapshotAtAnotherCore) {
  const CorePtr third = MeetCore(kThird);
  Tell(third, Found(1, 0), Here(kSender, 2, false), Ready(kSender, 2));
  Tell(third, Relayed(kSender, 50, "t", 2, 1));
  Tell(other_, Relayed(kSender, 50, "t", 1, 1));
  EXPECT_THAT(Delivered(listener_), ElementsAre(2)) << "the third core sends what is open";
  EXPECT_THAT(SettledTags(other_), ElementsAre(1)) << "nobody waits for it";
  EXPECT_EQ(router_->mesh()->counters().stale_relays, 1u);
}

TEST_F(LanesOfAFleet, ARelayOfALaneIsStaleOnceItHasToldItsSnapshotHere) {
  const LanePtr sender = SenderOfTheOther();
  ASSERT_EQ(Connect(sender), Welcome::OUTCOME_NEW);
  Tell(other_, Relayed(kSender, 50, "t", 1, 1));
  EXPECT_THAT(Delivered(listener_), ElementsAre(1)) << "it may still go back";
  Say(sender, Batch().SnapshotEnd());
  Tell(other_, Relayed(kSender, 50, "t", 2, 2));
  EXPECT_THAT(Delivered(listener_), IsEmpty());
  EXPECT_EQ(router_->mesh()->counters().stale_relays, 1u);
}

// ---- lanes that were lost

class ALaneThatWasLost : public LanesOfAFleet {
 protected:
  // A client watches "t", to which one of the sender's lane is subscribed; then the other core
  // gives this one up.
  ALaneThatWasLost() : watcher_(Open(2)) {
    Say(watcher_, Batch().Opened(20, true).Subscribed(20, "t"));
    Tell(other_, Found(2, 0), Subscribed(kSender, 50, "t"));
    Notices(watcher_);
    again_ = MeetCore(kOther, 2);
    EXPECT_THAT(Notices(watcher_), ElementsAre("LEFT 50 t 0"));
  }
  const LanePtr watcher_;
  CorePtr again_;
};

TEST_F(ALaneThatWasLost, ItsPeersJoinAgainWhenItsCoreIsBack) {
  Tell(again_, Here(kSender, 1, false), Subscribed(kSender, 50, "t"));
  EXPECT_THAT(Notices(watcher_), ElementsAre("JOINED 50 t 0"));
  Tell(again_, Ready(kSender, 1), Subscribed(kSender, 51, "t"));
  EXPECT_THAT(Notices(watcher_), IsEmpty()) << "from then on it says itself what is new";
}

TEST_F(ALaneThatWasLost, ItsPeersHaveLeftBeforeTheyJoinAgain) {
  Tell(again_, Here(kSender, 1, false), Subscribed(kSender, 50, "t"), Ready(kSender, 1));
  Notices(watcher_);
  Item gone = Of(Item::KIND_LANE_GONE, kSender, 1);
  gone.set_missed(true);
  // Within one tick.
  Tell(again_, gone, Here(kSender, 2, false), Subscribed(kSender, 50, "t"));
  EXPECT_THAT(Notices(watcher_), ElementsAre("LEFT 50 t 0", "JOINED 50 t 0"));
}

TEST_F(ALaneThatWasLost, ItsPeersJoinAgainWhenItComesToThisCore) {
  const LanePtr sender = SenderOfTheOther();
  ASSERT_EQ(Connect(sender), Welcome::OUTCOME_NEW);
  Say(sender, Batch().Opened(50).Known(50, "t").SnapshotEnd());
  EXPECT_THAT(Notices(watcher_), ElementsAre("JOINED 50 t 0"));
}

// ---- cores that have not heard of each other while both served lanes

class CoresThatServedApart : public RouterMesh {
 protected:
  void Serve() {
    const LanePtr lane = Open(1);
    Say(lane, Batch().Opened(10, true).Subscribed(10, "t"));
    TickNow();
  }
  // The lanes that the core is told to have missed relays.
  std::vector<uint64_t> Missed(const CorePtr& core) {
    Carry();
    std::vector<uint64_t> lanes;
    for (const Item& item : std::exchange(core->heard, {})) {
      if (item.kind() == Item::KIND_LANE_FOUND && item.missed()) lanes.push_back(item.lane());
    }
    return lanes;
  }
  CorePtr MeetCoreWithLanes() {
    return MeetCore(kOther, 1,
                    {Here(5, 1), Subscribed(5, 50, "t"), Ready(5, 1), Here(6, 1, false),
                     Subscribed(6, 60, "t"), Ready(6, 1)});
  }
};

TEST_F(CoresThatServedApart, LanesOfTheOtherHaveMissedRelays) {
  Serve();
  const CorePtr other = MeetCoreWithLanes();
  EXPECT_THAT(Missed(other), UnorderedElementsAre(5, 6));
  Tell(other, Here(7, 1), Ready(7, 1));
  EXPECT_THAT(Missed(other), IsEmpty()) << "that lane has come since";
}

TEST_F(CoresThatServedApart, ACoreThatHasHadNoLanesHasRoutedNothingWithoutThem) {
  const CorePtr other = MeetCoreWithLanes();
  EXPECT_THAT(Missed(other), IsEmpty());
}

TEST_F(LanesOfAFleet, ACoreThatSendsWhatIsNoItemIsGivenUp) {
  Message message;
  message.add_items("\x08");  // a kind without a number
  TellBytes(other_, message);
  EXPECT_EQ(router_->mesh()->counters().members_ended[static_cast<size_t>(MeshEnd::kBroken)], 1u);
}

TEST_F(LanesOfAFleet, AMessageThatWasHandledIsGivenBackToTheBus) {
  const int before = bus_.handled;
  Enter(MeshArrived{Message()});
  EXPECT_EQ(bus_.handled, before + 1);
}

// ---- joining

class ABusThatIsAway : public RouterReturn {
 protected:
  ABusThatIsAway() {
    bus_.reached = false;
    router_->JoinMesh(bus_, "core", "test", "fleet");
  }
  RouterMesh::FakeBus bus_;
};

TEST_F(ABusThatIsAway, ACoreHasNotJoinedBeforeItHasReachedIt) {
  Elapse(absl::Minutes(1));
  EXPECT_FALSE(router_->mesh()->ready());
  bus_.reached = true;
  Enter(MeshWritable{});
  TickNow();
  EXPECT_FALSE(router_->mesh()->ready()) << "others may answer";
  PassStartHold();
  EXPECT_TRUE(router_->mesh()->ready());
  bus_.reached = false;
  Elapse(absl::Minutes(1));
  EXPECT_TRUE(router_->mesh()->ready()) << "it goes on alone";
}

// ---- a restart of the whole fleet

class ARestartedFleet : public RouterMesh {
 protected:
  ARestartedFleet() : other_(MeetCore(kOther)), sender_(Remember(1, {1, 2})) {}
  void Relay() {
    ASSERT_EQ(Connect(sender_), Welcome::OUTCOME_NEW);
    Say(sender_, Batch().Opened(10).Known(10, "t").SnapshotEnd().Relayed(10, "t", 1));
    Carry();
  }

  const CorePtr other_;
  const LanePtr sender_;
};

TEST_F(ARestartedFleet, ALaneThatTellsItsSnapshotAtAnotherCoreIsWaitedFor) {
  Relay();
  EXPECT_TRUE(router_->hold().holding());
  Tell(other_, Here(2, 2));
  TickNow();
  EXPECT_TRUE(router_->hold().holding()) << "its subscriptions are not known yet";
  Tell(other_, Subscribed(2, 20, "t"), Ready(2, 2));
  EXPECT_THAT(Relays(other_, 1), ElementsAre(1));
}

TEST_F(ARestartedFleet, ALaneThatBeganToTellItsSnapshotEarlierIsWaitedForToo) {
  Tell(other_, Here(2, 2));
  Relay();
  TickNow();
  EXPECT_TRUE(router_->hold().holding());
  Tell(other_, Subscribed(2, 20, "t"), Ready(2, 2));
  EXPECT_THAT(Relays(other_, 1), ElementsAre(1));
}

TEST_F(ARestartedFleet, ALaneThatWasSaidToBeElsewhereGetsWhatIsHeldUntilItHasToldItsSnapshotHere) {
  Relay();
  Tell(other_, Away(2, 1, kThird));
  const LanePtr two = Remember(2, {});
  two->session = 2;
  ASSERT_EQ(Connect(two), Welcome::OUTCOME_NEW);
  EXPECT_TRUE(router_->hold().holding());
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_FALSE(router_->hold().holding());
  EXPECT_THAT(Delivered(two), ElementsAre(1));
}

TEST_F(ARestartedFleet, ALaneThatHasToldItsSnapshotAtAnotherCoreIsNotWaitedFor) {
  Tell(other_, Here(2, 2), Subscribed(2, 20, "t"), Ready(2, 2));
  Relay();
  EXPECT_THAT(Relays(other_, 1), ElementsAre(1));
}

}  // namespace
}  // namespace cairn::core
