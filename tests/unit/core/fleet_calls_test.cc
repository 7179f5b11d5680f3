// Operators' calls from one core to another, over a bus that a test can break.
#include "core/fleet_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/peer_id.h"
#include "core/fleet.h"
#include "core/router.h"
#include "signaling/v1/admin.pb.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_edge_sink.h"
#include "tests/support/fake_lane.h"
#include "tests/support/lane_batch.h"

namespace cairn::core {
namespace {

namespace v1 = signaling::v1;
using Frame = v1::FleetFrame;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr uint64_t kAsking = 0xa, kAnswering = 0xb;

// Delivers when it is told to.
class FakeBus final : public MeshBus {
 public:
  bool Writable() override { return true; }
  void Send(const v1::MeshMessage& message, std::string_view) override { sent.push_back(message); }
  std::deque<v1::MeshMessage> sent;
};

class Heard final : public FleetListener {
 public:
  void OnMessage(uint64_t call, std::string body) override {
    calls.push_back(call);
    bodies.push_back(std::move(body));
  }
  void OnMissed(uint64_t count) override { missed += count; }
  void OnEnd(const absl::Status& status) override { ended = status; }

  template <typename Message>
  Message Parse(size_t index) const {
    Message message;
    EXPECT_TRUE(message.ParseFromString(bodies.at(index)));
    return message;
  }

  std::vector<uint64_t> calls;
  std::vector<std::string> bodies;
  uint64_t missed = 0;
  std::optional<absl::Status> ended;
};

class FleetCallsTest : public testing::Test {
 protected:
  struct OneCore {
    OneCore(uint64_t id, const Clock& clock)
        : core(id, CoreLimits(), clock),
          calls(core, "1.2.3"),
          fleet("f", id, bus, calls, [] { return true; }) {}
    Core core;
    AdminCalls calls;
    FakeBus bus;
    Fleet fleet;
  };

  // Until nothing is on its way; messages for which `lost` is true do not arrive.
  void Deliver(const std::function<bool(const Frame&)>& lost = [](const Frame&) { return false; }) {
    while (!a_.bus.sent.empty() || !b_.bus.sent.empty()) {
      for (const auto& [from, to] : {std::pair(&a_, &b_), std::pair(&b_, &a_)}) {
        std::deque<v1::MeshMessage> sent;
        sent.swap(from->bus.sent);
        for (v1::MeshMessage& message : sent) {
          if (!lost(message.fleet())) to->fleet.OnMessage(message);
        }
      }
    }
  }
  std::shared_ptr<Heard> Ask(Frame::Method method, const google::protobuf::Message& request,
                             bool may_operate = true) {
    auto heard = std::make_shared<Heard>();
    a_.fleet.asked().Ask(kAnswering, method, request.SerializeAsString(), may_operate, heard);
    return heard;
  }
  // Lets the listener be done with all it has, until nothing more comes.
  void TakeAll(Heard& heard) {
    for (size_t done = 0; done < heard.bodies.size(); ++done) {
      a_.fleet.asked().Took(heard.calls[done]);
      Deliver();
    }
  }
  // At the other core; their lane is opened with the first ones.
  void AddPeers(uint64_t count, const std::string& agent = "") {
    if (!sink_) {
      sink_ = std::make_shared<FakeEdgeSink>();
      RouterInput opened = DirectOpened{sink_, FakeLane(1, "edge").Hello()};
      b_.core.Enter(opened);
    }
    for (uint64_t first = 1; first <= count; first += 1000) {
      Batch batch;
      for (uint64_t id = first; id < first + 1000 && id <= count; ++id) {
        batch.Opened(id);
        batch.last().mutable_info()->set_user_agent(agent);
      }
      RouterInput input = LaneBatch{sink_, batch.message()};
      b_.core.Enter(input);
    }
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    a_.fleet.Tick();
    b_.fleet.Tick();
  }

  std::shared_ptr<FakeEdgeSink> sink_;
  FakeClock clock_;
  OneCore a_{kAsking, clock_}, b_{kAnswering, clock_};
};

TEST_F(FleetCallsTest, ACallIsAnsweredByTheOtherCore) {
  const auto heard = Ask(Frame::METHOD_GET_STATUS, v1::GetStatusRequest());
  Deliver();
  ASSERT_THAT(heard->bodies, SizeIs(1));
  EXPECT_EQ(heard->Parse<v1::GetStatusResponse>(0).core_id(), FormatId(kAnswering));
  EXPECT_TRUE(heard->ended && heard->ended->ok());
}

TEST_F(FleetCallsTest, AnErrorOfTheOtherCoreComesBack) {
  v1::GetPeerRequest request;
  request.set_id("1234");
  const auto heard = Ask(Frame::METHOD_GET_PEER, request);
  Deliver();
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsNotFound(*heard->ended)) << *heard->ended;
  EXPECT_THAT(heard->bodies, SizeIs(0));
}

TEST_F(FleetCallsTest, AViewerCannotOperateAtAnotherCoreEither) {
  v1::SetLogLevelRequest request;
  request.set_directives("info");
  const auto heard = Ask(Frame::METHOD_SET_LOG_LEVEL, request, /*may_operate=*/false);
  Deliver();
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsPermissionDenied(*heard->ended)) << *heard->ended;
}

TEST_F(FleetCallsTest, ACallThatThisCoreDoesNotKnowIsRefused) {
  const auto heard = Ask(Frame::METHOD_UNSPECIFIED, v1::GetStatusRequest());
  Deliver();
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsUnimplemented(*heard->ended)) << *heard->ended;
}

TEST_F(FleetCallsTest, ASilentCoreIsGivenUpAfterASecond) {
  const auto heard = Ask(Frame::METHOD_GET_STATUS, v1::GetStatusRequest());
  a_.bus.sent.clear();
  Pass(absl::Milliseconds(900));
  EXPECT_FALSE(heard->ended);
  Pass(absl::Milliseconds(100));
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsUnavailable(*heard->ended)) << *heard->ended;
}

TEST_F(FleetCallsTest, ACoreWhoseProcessIsGoneIsNotWaitedFor) {
  const auto heard = Ask(Frame::METHOD_GET_STATUS, v1::GetStatusRequest());
  a_.fleet.OnNobody(kAnswering);
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsUnavailable(*heard->ended)) << *heard->ended;
}

TEST_F(FleetCallsTest, AListComesWholeAndInOrder) {
  AddPeers(5000);
  const auto heard = Ask(Frame::METHOD_LIST_PEERS, v1::ListPeersRequest());
  Deliver();
  TakeAll(*heard);
  EXPECT_TRUE(heard->ended && heard->ended->ok());
  std::vector<std::string> ids;
  for (size_t i = 0; i < heard->bodies.size(); ++i) {
    const auto page = heard->Parse<v1::ListPeersResponse>(i);
    for (const v1::Peer& peer : page.peers()) ids.push_back(peer.id());
  }
  ASSERT_THAT(ids, SizeIs(5000));
  for (uint64_t i = 0; i < ids.size(); ++i) ASSERT_EQ(ids[i], FormatId(i + 1));
}

TEST_F(FleetCallsTest, WhoDoesNotReadIsNotSentMoreThanAWindow) {
  AddPeers(5000);
  const auto heard = Ask(Frame::METHOD_LIST_PEERS, v1::ListPeersRequest());
  for (int i = 0; i < 20; ++i) {
    Deliver();
    Pass(absl::Milliseconds(300));
  }
  EXPECT_THAT(heard->bodies, SizeIs(FleetCalls::kWindow));
  // And is not given up for that: the other core says that it lives.
  EXPECT_FALSE(heard->ended);
}

TEST_F(FleetCallsTest, AMessageLongerThanAFrameArrivesWhole) {
  v1::GetTopicRequest request;
  request.set_name(std::string(kMaxFleetBodyBytes + 1, 'x'));
  const auto heard = Ask(Frame::METHOD_GET_TOPIC, request);
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsInvalidArgument(*heard->ended)) << *heard->ended;

  AddPeers(128, std::string(100'000, 'u'));
  const auto list = Ask(Frame::METHOD_LIST_PEERS, v1::ListPeersRequest());
  Deliver();
  ASSERT_THAT(list->bodies, SizeIs(1));
  EXPECT_GT(list->bodies[0].size(), FleetCalls::kWindow * kMaxFleetBodyBytes);
  EXPECT_EQ(list->Parse<v1::ListPeersResponse>(0).peers_size(), 128);
}

TEST_F(FleetCallsTest, AListThatHasLostAPageFails) {
  AddPeers(1000);
  const auto heard = Ask(Frame::METHOD_LIST_PEERS, v1::ListPeersRequest());
  Deliver(
      [](const Frame& frame) { return frame.kind() == Frame::KIND_PAGE && frame.number() == 3; });
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsDataLoss(*heard->ended)) << *heard->ended;
  EXPECT_THAT(heard->bodies, SizeIs(2));
}

TEST_F(FleetCallsTest, ALostGrantOnlyDelays) {
  AddPeers(5000);
  const auto heard = Ask(Frame::METHOD_LIST_PEERS, v1::ListPeersRequest());
  Deliver();
  for (size_t i = 0; i < heard->calls.size(); ++i) a_.fleet.asked().Took(heard->calls[i]);
  a_.bus.sent.clear();
  Pass(absl::Milliseconds(300));
  Deliver();
  EXPECT_GT(heard->bodies.size(), FleetCalls::kWindow);
}

TEST_F(FleetCallsTest, WhatAFeedHasLostIsCounted) {
  const auto heard = Ask(Frame::METHOD_WATCH, v1::WatchRequest());
  Deliver();
  AddPeers(3);  // and an edge
  Deliver([](const Frame& frame) {
    return frame.kind() == Frame::KIND_PAGE && (frame.number() == 1 || frame.number() == 4);
  });
  // Of the last one nothing tells until the other core is asked whether it lives.
  EXPECT_EQ(heard->missed, 1u);
  EXPECT_THAT(heard->bodies, SizeIs(2));
  Pass(absl::Milliseconds(300));
  Deliver();
  EXPECT_EQ(heard->missed, 2u);
  EXPECT_FALSE(heard->ended);
}

TEST_F(FleetCallsTest, AFeedThatIsNotReadCountsWhatItLeavesOut) {
  const auto heard = Ask(Frame::METHOD_WATCH, v1::WatchRequest());
  Deliver();
  AddPeers(6000);
  Deliver();
  EXPECT_THAT(heard->bodies, SizeIs(FleetCalls::kFeedWindow));
  TakeAll(*heard);
  uint64_t missed = 0;
  for (size_t i = 0; i < heard->bodies.size(); ++i) missed += heard->Parse<v1::Event>(i).missed();
  EXPECT_GT(missed, 0u);
  // One of them tells of those alone; there is an edge too.
  EXPECT_EQ(heard->bodies.size() - 1 + missed, 6001u);
}

TEST_F(FleetCallsTest, NobodyFollowsForACoreThatIsGone) {
  const auto heard = Ask(Frame::METHOD_WATCH, v1::WatchRequest());
  Deliver();
  clock_.Advance(FleetAnswers::kForgotten + absl::Milliseconds(1));
  b_.fleet.Tick();
  bool watched = true;
  RouterInput look = AdminCall{[&](Router& router) { watched = router.feed().watched(); }};
  b_.core.Enter(look);
  EXPECT_FALSE(watched);
}

TEST_F(FleetCallsTest, ACancelledFeedEnds) {
  auto heard = std::make_shared<Heard>();
  const uint64_t call = a_.fleet.asked().Ask(kAnswering, Frame::METHOD_WATCH, "", false, heard);
  Deliver();
  a_.fleet.asked().Cancel(call);
  Deliver();
  bool watched = true;
  RouterInput look = AdminCall{[&](Router& router) { watched = router.feed().watched(); }};
  b_.core.Enter(look);
  EXPECT_FALSE(watched);
  EXPECT_FALSE(heard->ended);
}

TEST_F(FleetCallsTest, AnAnswerToAnotherCoreIsIgnored) {
  const auto heard = Ask(Frame::METHOD_GET_STATUS, v1::GetStatusRequest());
  v1::MeshMessage forged;
  forged.set_protocol_version(Mesh::kProtocolVersion);
  forged.set_from(0xc);
  forged.mutable_fleet()->set_kind(Frame::KIND_END);
  forged.mutable_fleet()->set_call(a_.bus.sent.front().fleet().call());
  forged.mutable_fleet()->set_number(1);
  a_.fleet.OnMessage(forged);
  EXPECT_FALSE(heard->ended);
}

TEST_F(FleetCallsTest, WhenTheCoreEndsAllCallsFail) {
  const auto heard = Ask(Frame::METHOD_WATCH, v1::WatchRequest());
  a_.fleet.Stop();
  ASSERT_TRUE(heard->ended);
  EXPECT_TRUE(absl::IsUnavailable(*heard->ended)) << *heard->ended;
  const auto late = Ask(Frame::METHOD_WATCH, v1::WatchRequest());
  EXPECT_TRUE(late->ended);
}

}  // namespace
}  // namespace cairn::core
