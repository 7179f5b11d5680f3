// Lanes over sockets, from the edge's own HTTP/2 to a router.
#include "core/lane_port.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "core/commands.h"
#include "core/core.h"
#include "core/grpc_server.h"
#include "core/router.h"
#include "tests/support/edge_end.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

constexpr uint64_t kCoreId = 0xc0de;

class LanePortTest : public testing::Test {
 protected:
  LanePortTest() : authority_(Tokens("edges' token"), /*mutual_tls=*/false) {
    port_ = std::make_unique<LanePort>(core_, authority_);
  }
  static AuthorityTokens Tokens(const std::string& edge) {
    return {*BearerTokens::FromToken(edge), {}, {}, {}};
  }
  std::unique_ptr<EdgeEnd> Connect(Caller caller = {}, int type = SOCK_STREAM) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends), 0);
    Credentials credentials;
    credentials.bearer_token = "edges' token";
    port_->Adopt(LaneSocket(UniqueFd(ends[0])), "", std::move(credentials), std::move(caller));
    return std::make_unique<EdgeEnd>(ends[1]);
  }
  static bool IsWelcomed(EdgeEnd& edge) {
    return edge.RunUntil([&edge] { return !edge.messages.empty(); }) &&
           edge.messages[0].has_welcome();
  }

  static uint64_t Refused(Core& core, LaneRefusal reason) {
    std::promise<uint64_t> count;
    RouterInput read = AdminCall{[&](Router& router) {
      count.set_value(router.counters().refusals[static_cast<size_t>(reason)]);
    }};
    core.Enter(read);
    return count.get_future().get();
  }

  SystemClock clock_;
  Core core_{kCoreId, CoreLimits(), clock_};
  Authority authority_;
  std::unique_ptr<LanePort> port_;
};

TEST_F(LanePortTest, AHelloIsAnsweredByWelcome) {
  const auto edge = Connect();
  edge->Send(EdgeEnd::Hello());
  ASSERT_TRUE(IsWelcomed(*edge));
  EXPECT_EQ(edge->messages[0].welcome().core_id(), kCoreId);
}

// Wants to be called three times each time that it is written to.
class Guest : public PortGuest {
 public:
  int ready_fd() const override { return ready_.get(); }
  bool OnReady() override {
    EXPECT_TRUE(hosted);
    EXPECT_FALSE(std::exchange(in_turn_, true)) << "OnTurnEnds() comes before each wait";
    threads.insert(std::this_thread::get_id());
    eventfd_t value = 0;
    if (eventfd_read(ready_.get(), &value) == 0) left_ = 3;
    ++calls;
    return --left_ > 0;
  }
  void OnTurnEnds() override { in_turn_ = false; }
  void OnHosted(bool now) override { hosted = now; }
  void Write() { eventfd_write(ready_.get(), 1); }

  std::atomic<bool> hosted{false};
  std::atomic<int> calls{0};
  std::set<std::thread::id> threads;  // to be read once it has no host

 private:
  const UniqueFd ready_{eventfd(0, EFD_NONBLOCK)};
  int left_ = 0;
  bool in_turn_ = false;
};

TEST_F(LanePortTest, AGuestIsServedBesideLanesUntilThePortEnds) {
  Guest guest;
  port_ = std::make_unique<LanePort>(core_, authority_, &guest);
  const auto edge = Connect();
  for (int i = 1; i <= 3; ++i) {
    guest.Write();
    EXPECT_TRUE(edge->RunUntil([&] { return guest.calls == 3 * i; }));
  }
  edge->Send(EdgeEnd::Hello());
  EXPECT_TRUE(IsWelcomed(*edge));
  EXPECT_TRUE(guest.hosted);
  port_.reset();
  EXPECT_FALSE(guest.hosted);
  EXPECT_EQ(guest.threads.size(), 1u);
  EXPECT_EQ(guest.threads.count(std::this_thread::get_id()), 0u);
  EXPECT_EQ(guest.calls, 9);
}

// So that an edge which only asks whether the core is well does not leave another core for it.
TEST_F(LanePortTest, ACoreThatTakesNoLanesSaysSoBeforeTheHello) {
  struct NoBus final : MeshBus {
    bool Writable() override { return false; }
    void Send(const signaling::v1::MeshMessage&, std::string_view) override {}
  } bus;
  core_.JoinMesh(bus, "core", "test", "fleet");
  core_.Tick();
  EXPECT_EQ(Connect()->Code(), static_cast<int>(absl::StatusCode::kUnavailable));
  core_.LeaveMesh();
}

TEST_F(LanePortTest, ALaneThatComesBackTakesTheStreamOver) {
  const auto first = Connect();
  first->Send(EdgeEnd::Hello());
  ASSERT_TRUE(IsWelcomed(*first));
  const auto second = Connect();
  second->Send(EdgeEnd::Hello());
  EXPECT_TRUE(IsWelcomed(*second));
  EXPECT_NE(first->Code(), 0);
  EXPECT_TRUE(first->RunUntil([&] { return first->closed; }));
}

TEST_F(LanePortTest, ALaneIdThatIsNotOfTheSecretEndsTheCall) {
  const auto edge = Connect();
  LaneToCore hello = EdgeEnd::Hello();
  hello.mutable_hello()->set_lane_id(7);
  edge->Send(hello);
  EXPECT_EQ(edge->Code(), static_cast<int>(absl::StatusCode::kPermissionDenied));
}

TEST_F(LanePortTest, ACredentialOfAnotherEdgeEndsTheCall) {
  const auto edge = Connect(Caller{"edge-b"});
  edge->Send(EdgeEnd::Hello());
  EXPECT_EQ(edge->Code(), static_cast<int>(absl::StatusCode::kPermissionDenied));
}

TEST_F(LanePortTest, AMessageThatIsNoneOfTheProtocolEndsTheCall) {
  const auto edge = Connect();
  edge->Send(LaneToCore());
  EXPECT_EQ(edge->Code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
}

TEST_F(LanePortTest, ARevokedCredentialEndsTheCall) {
  const auto edge = Connect();
  edge->Send(EdgeEnd::Hello());
  ASSERT_TRUE(IsWelcomed(*edge));
  EXPECT_EQ(authority_.SetTokens(Tokens("another")), 1u);
  EXPECT_EQ(edge->Code(), static_cast<int>(absl::StatusCode::kUnauthenticated));
}

TEST_F(LanePortTest, WhatALaneIsToldInOneTurnIsOneWrite) {
  // Of which each read gets one write.
  const auto edge = Connect({}, SOCK_SEQPACKET);
  edge->Send(EdgeEnd::Hello());
  ASSERT_TRUE(IsWelcomed(*edge));
  edge->messages.clear();
  edge->RunFor(absl::Milliseconds(50));
  std::vector<LaneToCore> sent;
  for (uint64_t number = 1; number <= 3; ++number) {
    LaneToCore& message = sent.emplace_back();
    message.set_number(number);
    message.mutable_stats()->set_messages_in(number);
    message.set_ack_now(true);
  }
  edge->reads = 0;
  edge->SendTogether(sent);
  ASSERT_TRUE(edge->RunUntil(
      [&] { return !edge->messages.empty() && edge->messages.back().received() == 3; }));
  EXPECT_EQ(edge->reads, 1u);
}

TEST_F(LanePortTest, WhatTheRouterWritesFromAnotherThreadIsSent) {
  const auto edge = Connect();
  edge->Send(EdgeEnd::Hello());
  ASSERT_TRUE(IsWelcomed(*edge));
  RouterInput command = AdminCall{[](Router& router) {
    for (const auto& [id, lane] : router.directory().lanes()) Drain(router.output(), *lane);
  }};
  core_.Enter(command);
  // The roster may come in a message of its own.
  EXPECT_TRUE(edge->RunUntil([&] {
    return std::ranges::any_of(edge->messages,
                               [](const auto& message) { return message.commands_size() == 1; });
  }));
}

// What each has sent without the end of it, in all, is more than there is memory for.
TEST_F(LanePortTest, TheLaneWithTheLongestBeginningOfAMessageIsGivenUp) {
  CoreLimits limits;
  limits.max_queued_bytes_of_lanes = 100'000;
  Core core(kCoreId, limits, clock_);
  port_ = std::make_unique<LanePort>(core, authority_);
  const auto small = Connect(), large = Connect();
  LaneToCore part;
  part.set_part(std::string(60'000, 'p'));
  small->SendBeginning(part, 40'000);
  large->SendBeginning(part, 60'000);
  small->RunFor(absl::Milliseconds(100));
  EXPECT_EQ(Refused(core, LaneRefusal::kTooMuchUnread), 0u);
  // Together with the requests: 120 KB.
  const auto last = Connect();
  last->SendBeginning(part, 20'000);
  EXPECT_EQ(large->Code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  small->RunFor(absl::Milliseconds(50));
  EXPECT_FALSE(small->closed);
  EXPECT_EQ(Refused(core, LaneRefusal::kTooMuchUnread), 1u);
  port_.reset();
}

// gRPC's server sends a WINDOW_UPDATE after each message.
TEST_F(LanePortTest, TheServerGivesItTheConnectionsOfEdges) {
  GrpcOptions options;
  options.address = "127.0.0.1:0";
  const auto server = GrpcServer::Start(options, core_);
  ASSERT_TRUE(server.ok()) << server.status();
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string name = (*server)->address();
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(name.substr(name.rfind(':') + 1))));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EdgeEnd edge(fd);
  edge.Send(EdgeEnd::Hello());
  ASSERT_TRUE(IsWelcomed(edge));
  edge.RunFor(absl::Milliseconds(100));
  const size_t before = edge.received_bytes;
  LaneToCore empty;
  for (uint64_t number = 1; number <= 3; ++number) {
    empty.set_number(number);
    edge.Send(empty);
  }
  edge.RunFor(absl::Milliseconds(50));
  EXPECT_EQ(edge.received_bytes, before);
}

TEST_F(LanePortTest, ConnectionsEndWithThePortAndTheRouterMayGoOn) {
  const auto edge = Connect();
  edge->Send(EdgeEnd::Hello());
  ASSERT_TRUE(IsWelcomed(*edge));
  port_.reset();
  EXPECT_TRUE(edge->RunUntil([&] { return edge->closed; }));
  for (int i = 0; i < 3; ++i) core_.Tick();
}

}  // namespace
}  // namespace cairn::core
