#include "edge/http2_core_stream_opener.h"

#include <absl/status/status.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "proto/link/timing.h"
#include "tests/support/core_stream_events.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http2_peer.h"
#include "tests/support/poll_loop.h"

namespace cairn::edge {
namespace {

using absl::StatusCode;
using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

// A core that is a unix socket, read and written when the test says so.
class Http2CoreStreamTest : public testing::Test {
 protected:
  Http2CoreStreamTest() : path_(testing::TempDir() + "core-" + std::to_string(getpid())) {
    listener_.stream = &stream_;
    Http2CoreStreamOpener::Options options;
    options.targets = {*CoreTarget::Parse("unix:" + path_)};
    opener_.emplace(options, loop_, clock_);
  }
  ~Http2CoreStreamTest() override { std::remove(path_.c_str()); }

  void Listen() {
    socket_ = ListenOnUnixSocket(path_);
    ASSERT_TRUE(socket_.valid());
  }
  // The same on TCP.
  void ListenOnTcp() {
    socket_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(socket_.get(), 8), 0);
    ASSERT_EQ(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    Http2CoreStreamOpener::Options options;
    options.targets = {*CoreTarget::Parse("127.0.0.1:" + std::to_string(ntohs(address.sin_port)))};
    opener_.emplace(options, loop_, clock_);
  }
  // A stream that has written its first message, and the core's end of its connection.
  void Open() {
    if (!socket_.valid()) Listen();
    stream_ = opener_->OpenStream(listener_);
    ASSERT_TRUE(stream_->Writable());
    stream_->Write(LaneToCore());
    ASSERT_TRUE(loop_.RunUntil([this] {
      peer_fd_ = UniqueFd(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK));
      return peer_fd_.valid();
    }));
    Send(Http2Peer::Settings() + Http2Peer::Response());
  }
  void Send(const std::string& bytes) {
    ASSERT_EQ(send(peer_fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // False at the end of the connection.
  bool ReadAll() {
    char buffer[65536];
    for (;;) {
      const ssize_t bytes = recv(peer_fd_.get(), buffer, sizeof buffer, 0);
      if (bytes == 0) return false;
      if (bytes < 0) return true;
      peer_.Read({buffer, static_cast<size_t>(bytes)});
    }
  }
  bool RunUntilEnded() {
    return loop_.RunUntil([this] { return listener_.ended.has_value(); });
  }
  static std::string Numbered(uint64_t number) {
    CoreToLane message;
    message.set_number(number);
    return Http2Peer::Data(Http2Peer::Message(message.SerializeAsString()));
  }

  const std::string path_;
  FakeClock clock_;
  PollLoop loop_;
  CoreStreamEvents listener_;
  std::optional<Http2CoreStreamOpener> opener_;
  std::unique_ptr<CoreStream> stream_;
  UniqueFd socket_;
  UniqueFd peer_fd_;
  Http2Peer peer_;
};

TEST_F(Http2CoreStreamTest, FirstMessageGoesWithTheRequest) {
  Open();
  ASSERT_TRUE(loop_.RunUntil([this] { return ReadAll() && !peer_.data.empty(); }));
  EXPECT_EQ(peer_.request[":path"], "/cairn.signaling.v1.Lanes/Open");
  EXPECT_EQ(peer_.request[":authority"], "localhost");
  EXPECT_EQ(peer_.data, std::string(5, '\0'));
}

TEST_F(Http2CoreStreamTest, MessagesAreHandedOutAndTheStatusAfterThem) {
  Open();
  Send(Numbered(1) + Numbered(2) + Http2Peer::Trailers("10", "newer"));
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(listener_.numbers, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(listener_.ended, StatusCode::kAborted);
  EXPECT_EQ(listener_.reason, "newer");
  EXPECT_EQ(loop_.watched(), 0u);
}

TEST_F(Http2CoreStreamTest, AnUnreachableCoreIsReportedInALaterTurn) {
  stream_ = opener_->OpenStream(listener_);
  EXPECT_FALSE(listener_.ended);
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(listener_.ended, StatusCode::kUnavailable);
  EXPECT_NE(listener_.reason.find(path_), std::string::npos) << listener_.reason;
}

TEST_F(Http2CoreStreamTest, ACoreWhoseSocketTheKernelCannotWatchIsNotReached) {
  Listen();
  // While it connects, and once it has.
  for (const size_t watches : {size_t{0}, size_t{1}}) {
    listener_.ended.reset();
    loop_.watches_left = watches;
    stream_ = opener_->OpenStream(listener_);
    stream_->Write(LaneToCore());
    ASSERT_TRUE(RunUntilEnded());
    EXPECT_EQ(listener_.ended, StatusCode::kUnavailable);
    EXPECT_NE(listener_.reason.find(path_), std::string::npos) << listener_.reason;
    EXPECT_EQ(loop_.watches_left, 0u);
    EXPECT_EQ(loop_.watched(), 0u);
  }
}

TEST_F(Http2CoreStreamTest, ACoreThatAcceptsAndStaysSilentIsGivenUp) {
  Listen();
  stream_ = opener_->OpenStream(listener_);
  loop_.RunUntil([this] { return loop_.watched() == 1; });
  loop_.RunTimers(absl::FromChrono(link::kConnectTimeout) - absl::Milliseconds(1));
  EXPECT_FALSE(listener_.ended);
  loop_.RunTimers(absl::FromChrono(link::kConnectTimeout));
  EXPECT_EQ(listener_.ended, StatusCode::kUnavailable);
}

TEST_F(Http2CoreStreamTest, SmallMessagesAreWrittenTogetherByAFlush) {
  Open();
  ASSERT_TRUE(loop_.RunUntil([this] { return ReadAll() && peer_.data.size() == 5; }));
  // Until it has handled what the core began with.
  loop_.RunUntil([n = 0]() mutable { return ++n > 20; });
  LaneToCore message;
  message.set_part(std::string(1000, 'x'));
  const size_t bytes = 5 + message.ByteSizeLong();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream_->Writable());
    stream_->Write(message);
  }
  loop_.RunUntil([n = 0]() mutable { return ++n > 20; });
  EXPECT_TRUE(ReadAll() && peer_.data.size() == 5);
  stream_->Flush();
  EXPECT_TRUE(ReadAll() && peer_.data.size() == 5 + 3 * bytes);
}

TEST_F(Http2CoreStreamTest, MessagesAreTakenUntilTheKernelIsBehind) {
  Open();
  ASSERT_TRUE(loop_.RunUntil([this] { return stream_->Writable(); }));
  // A window that lets everything through, and a core that does not read.
  const std::string window = Http2Peer::Number(64 << 20);
  Send(Http2Peer::Frame(Http2Peer::kWindow, 0, 0, window) +
       Http2Peer::Frame(Http2Peer::kWindow, 0, 1, window) + Numbered(1));
  ASSERT_TRUE(loop_.RunUntil([this] { return !listener_.numbers.empty(); }));
  listener_.writable = 0;
  LaneToCore message;
  message.set_part(std::string(60'000, 'x'));
  int written = 0;
  for (; stream_->Writable(); ++written) {
    ASSERT_LT(written, 1000) << "the kernel takes everything";
    stream_->Write(message);
  }
  ASSERT_GT(written, 0);
  loop_.RunUntil([n = 0]() mutable { return ++n > 20; });
  EXPECT_EQ(listener_.writable, 0);
  ASSERT_TRUE(loop_.RunUntil([this] { return ReadAll() && listener_.writable == 1; }));
  EXPECT_TRUE(stream_->Writable());
  const size_t expected = 5 + (5 + message.ByteSizeLong()) * static_cast<size_t>(written);
  EXPECT_TRUE(loop_.RunUntil([&] { return ReadAll() && peer_.data.size() == expected; }));
}

// A gRPC core opens its windows after each message; that is no reason to wake up.
TEST_F(Http2CoreStreamTest, AWindowUpdateDoesNotWakeTheLoopAndIsReadWithTheNextMessageOrTick) {
  ListenOnTcp();
  Open();
  Send(Numbered(1));
  ASSERT_TRUE(loop_.RunUntil([this] { return !listener_.numbers.empty(); }));
  Send(Numbered(2));
  loop_.RunUntil([n = 0]() mutable { return ++n > 20; });
  EXPECT_EQ(listener_.numbers.size(), 1u);
  stream_->Tick();
  EXPECT_EQ(listener_.numbers.size(), 2u);
  Send(Numbered(3));
  Send(Numbered(4));
  EXPECT_TRUE(loop_.RunUntil([this] { return listener_.numbers.size() == 4; }));
}

TEST_F(Http2CoreStreamTest, AWindowThatIsWaitedForWakesTheLoop) {
  ListenOnTcp();
  Open();
  Send(Numbered(1));
  ASSERT_TRUE(loop_.RunUntil([this] { return !listener_.numbers.empty(); }));
  LaneToCore message;
  message.set_part(std::string(60'000, 'x'));
  // The core's window is 65,535 bytes.
  while (stream_->Writable()) stream_->Write(message);
  listener_.writable = 0;
  Send(Http2Peer::Frame(Http2Peer::kWindow, 0, 0, Http2Peer::Number(1 << 20)));
  Send(Http2Peer::Frame(Http2Peer::kWindow, 0, 1, Http2Peer::Number(1 << 20)));
  EXPECT_TRUE(loop_.RunUntil([this] { return ReadAll() && listener_.writable == 1; }));
}

TEST_F(Http2CoreStreamTest, TheEndOfAConnectionWakesTheLoopWithFewBytesToo) {
  ListenOnTcp();
  Open();
  Send(Numbered(1));
  ASSERT_TRUE(loop_.RunUntil([this] { return !listener_.numbers.empty(); }));
  Send(Http2Peer::Trailers("10", ""));
  peer_fd_.Reset();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(listener_.ended, StatusCode::kAborted);
}

TEST_F(Http2CoreStreamTest, CancelledStreamIsResetAndEndsLater) {
  Open();
  loop_.RunUntil([this] { return ReadAll() && !peer_.data.empty(); });
  stream_->Cancel();
  EXPECT_FALSE(listener_.ended);
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(listener_.ended, StatusCode::kCancelled);
  ReadAll();
  EXPECT_EQ(peer_.reset, static_cast<uint32_t>(NGHTTP2_CANCEL));
}

TEST_F(Http2CoreStreamTest, StreamThatIsCancelledBeforeItIsConnectedEnds) {
  Listen();
  stream_ = opener_->OpenStream(listener_);
  stream_->Cancel();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(listener_.ended, StatusCode::kCancelled);
}

TEST_F(Http2CoreStreamTest, ADestroyedStreamEndsAtOnceWithoutACallback) {
  Open();
  loop_.RunUntil([this] { return ReadAll() && !peer_.data.empty(); });
  Send(Numbered(1));
  stream_.reset();
  EXPECT_EQ(loop_.watched(), 0u);
  ReadAll();
  EXPECT_EQ(peer_.reset, static_cast<uint32_t>(NGHTTP2_CANCEL));
  loop_.RunUntil([n = 0]() mutable { return ++n > 20; });
  EXPECT_FALSE(listener_.ended);
  EXPECT_TRUE(listener_.numbers.empty());
}

TEST_F(Http2CoreStreamTest, ConnectionThatEndsWithoutAStatusIsUnavailable) {
  Open();
  Send(Numbered(1));
  peer_fd_.Reset();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(listener_.ended, StatusCode::kUnavailable);
}

TEST_F(Http2CoreStreamTest, SilentCoreIsPingedAndThenGivenUp) {
  Open();
  ASSERT_TRUE(loop_.RunUntil([this] { return ReadAll() && !peer_.data.empty(); }));
  Send(Numbered(1));
  ASSERT_TRUE(loop_.RunUntil([this] { return !listener_.numbers.empty(); }));
  const absl::Duration interval = absl::FromChrono(link::kKeepaliveInterval);
  clock_.Advance(interval);
  loop_.RunTimers(interval);
  EXPECT_TRUE(loop_.RunUntil([this] { return ReadAll() && peer_.pings == 1; }));
  clock_.Advance(absl::FromChrono(link::kKeepaliveTimeout));
  loop_.RunTimers(absl::FromChrono(link::kKeepaliveTimeout));
  EXPECT_EQ(listener_.ended, StatusCode::kUnavailable);
}

}  // namespace
}  // namespace cairn::edge
