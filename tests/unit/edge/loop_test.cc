// Loops of an edge over real sockets, with a link that answers at once in place of a core.
#include "edge/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "edge/edge.h"
#include "tests/support/client_frames.h"
#include "tests/support/server_frames.h"
#include "tests/support/upgrade_requests.h"

namespace cairn::edge {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A core that accepts whatever a lane submits, and delivers nothing.
class AcceptingLink final : public CoreLink {
 public:
  AcceptingLink(CoreLinkListener& listener, LoopExecutor& executor, int& started)
      : listener_(listener), executor_(executor), started_(started) {}

  void Start() override {
    ++started_;
    listener_.OnSession({});
  }
  void Submit(signaling::v1::LaneToCore& batch) override {
    auto kept = std::make_shared<signaling::v1::LaneToCore>();
    kept->Swap(&batch);
    executor_.Post([this, kept] { listener_.OnAccepted(*kept); });
  }
  size_t Room() const override { return 1 << 20; }
  size_t cost() const override { return 0; }
  void Tick() override {}
  bool can_break() const override { return false; }
  bool connected() const override { return true; }
  const BatchHistogram& batches() const override { return batches_; }

 private:
  CoreLinkListener& listener_;
  LoopExecutor& executor_;
  int& started_;
  BatchHistogram batches_;
};

class AcceptingLinks final : public LinkFactory {
 public:
  std::unique_ptr<CoreLink> NewLink(const LaneIdentity&, CoreLinkListener& listener,
                                    LoopExecutor& executor) override {
    return std::make_unique<AcceptingLink>(listener, executor, started);
  }

  int started = 0;  // by the thread that starts the edge
};

class LoopTest : public testing::Test {
 protected:
  ~LoopTest() override {
    if (edge_) Drain();
  }

  void Open(EdgeOptions options = {}) {
    options.listen_address = *SocketAddress::Parse("127.0.0.1:0");
    options.name = "edge";
    absl::StatusOr<std::unique_ptr<Edge>> edge = Edge::Open(std::move(options), links_, clock_);
    ASSERT_TRUE(edge.ok()) << edge.status();
    edge_ = *std::move(edge);
  }
  void Start(EdgeOptions options = {}) {
    Open(std::move(options));
    edge_->Start();
  }
  void Drain() {
    std::promise<void> drained;
    edge_->Drain(absl::ZeroDuration(), [&drained] { drained.set_value(); });
    drained.get_future().wait();
    edge_->Stop();
    edge_.reset();
  }
  UniqueFd Connect() const {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress address = edge_->address();
    EXPECT_EQ(connect(fd.get(), address.get(), address.size()), 0);
    return fd;
  }
  static void Send(const UniqueFd& fd, std::string_view bytes) {
    EXPECT_EQ(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // What comes until it ends with `end`, or the other side closes.
  static std::string ReceiveUntil(const UniqueFd& fd, std::string_view end) {
    std::string all;
    while (!all.ends_with(end)) {
      pollfd ready = {fd.get(), POLLIN, 0};
      if (poll(&ready, 1, 20'000) != 1) return all + " (and then nothing)";
      char piece[4096];
      const ssize_t n = recv(fd.get(), piece, sizeof piece, 0);
      if (n <= 0) return all;
      all.append(piece, static_cast<size_t>(n));
    }
    return all;
  }
  UniqueFd Upgraded() const {
    UniqueFd fd = Connect();
    Send(fd, GoodRequest());
    EXPECT_THAT(ReceiveUntil(fd, "\r\n\r\n"), StartsWith("HTTP/1.1 101"));
    return fd;
  }

  SystemClock clock_;
  AcceptingLinks links_;
  std::unique_ptr<Edge> edge_;
};

TEST_F(LoopTest, AClientIsUpgradedAnsweredAndCounted) {
  Start();
  const UniqueFd client = Upgraded();
  Send(client, ClientFrame(wire::WsOpcode::kPing, "are you there"));
  const std::string pong = PongFrame("are you there");
  EXPECT_EQ(ReceiveUntil(client, pong), pong);
  const EdgeSnapshot snapshot = edge_->Snapshot();
  EXPECT_EQ(snapshot.accepted, 1u);
  EXPECT_EQ(snapshot.upgraded, 1u);
  ASSERT_EQ(snapshot.lanes.size(), 1u);
  EXPECT_TRUE(snapshot.lanes[0].connected);
}

// In one process with a core that is still joining its fleet, that core would have lanes before it
// knows those of others.
TEST_F(LoopTest, ALaneBeginsWhenItsLoopStarts) {
  EdgeOptions options;
  options.loops = 3;
  Open(std::move(options));
  EXPECT_EQ(links_.started, 0);
  edge_->Start();
  EXPECT_EQ(links_.started, 3);
}

TEST_F(LoopTest, MoreThanMaxConnectionsAreUpgradedAndClosedWith1013) {
  EdgeOptions options;
  options.limits.max_connections = 1;
  Start(std::move(options));
  const UniqueFd first = Upgraded();
  const UniqueFd second = Connect();
  Send(second, GoodRequest());
  std::string close;
  wire::AppendWsClose(1013, "edge_full", close);
  EXPECT_THAT(ReceiveUntil(second, close), testing::EndsWith(close));
  const std::string pong = PongFrame("");
  Send(first, ClientFrame(wire::WsOpcode::kPing, ""));
  EXPECT_EQ(ReceiveUntil(first, pong), pong) << "the first one goes on";
}

TEST_F(LoopTest, TheOldestHandshakeIsClosedWhenThereAreTooMany) {
  EdgeOptions options;
  options.limits.max_handshakes = 1;
  Start(std::move(options));
  const UniqueFd silent = Connect();
  const UniqueFd next = Upgraded();
  EXPECT_EQ(ReceiveUntil(silent, "never"), "") << "closed without an answer";
}

TEST_F(LoopTest, ADrainClosesWith1001AndEndsTheListener) {
  EdgeOptions options;
  options.limits.close_timeout = absl::Milliseconds(50);  // the client does not answer the Close
  Start(std::move(options));
  const UniqueFd client = Upgraded();
  const SocketAddress address = edge_->address();
  std::promise<void> drained;
  edge_->Drain(absl::ZeroDuration(), [&drained] { drained.set_value(); });
  EXPECT_THAT(ReceiveUntil(client, "never"), HasSubstr("\x03\xe9")) << "1001";
  drained.get_future().wait();
  edge_->Stop();
  edge_.reset();
  const UniqueFd late(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(connect(late.get(), address.get(), address.size()), 0);
}

TEST_F(LoopTest, NewTokensCountForNewConnectionsAlone) {
  Start();
  const UniqueFd before = Upgraded();
  edge_->SetTokens(*BearerTokens::FromToken("secret"));
  const UniqueFd refused = Connect();
  Send(refused, GoodRequest());
  EXPECT_THAT(ReceiveUntil(refused, "never"), StartsWith("HTTP/1.1 401"));
  const std::string pong = PongFrame("");
  Send(before, ClientFrame(wire::WsOpcode::kPing, ""));
  EXPECT_EQ(ReceiveUntil(before, pong), pong);
}

}  // namespace
}  // namespace cairn::edge
