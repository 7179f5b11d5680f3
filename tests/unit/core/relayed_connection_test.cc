#include "core/relayed_connection.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/http2_frames.h"

namespace cairn::core {
namespace {

class RelayedConnectionTest : public ::testing::Test {
 protected:
  RelayedConnectionTest() {
    UniqueFd ours, ours_too;
    Connect(caller_, ours);
    Connect(grpc_, ours_too);
    relayed_.emplace(std::move(ours), std::move(ours_too), std::string(http2::kPreface), false,
                     absl::ZeroDuration());
  }

  static void Connect(UniqueFd& theirs, UniqueFd& ours) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    theirs = UniqueFd(pair[0]);
    ours = UniqueFd(pair[1]);
  }
  static void Say(const UniqueFd& end, const std::string& bytes) {
    ASSERT_EQ(send(end.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  // What has come; none: its end.
  static std::optional<std::string> Hear(const UniqueFd& end) {
    std::string bytes(1 << 20, '\0');
    const ssize_t size = recv(end.get(), bytes.data(), bytes.size(), 0);
    if (size == 0) return std::nullopt;
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(0, size)));
    return bytes;
  }
  void Move(absl::Duration now = absl::ZeroDuration()) { relayed_->Move(now); }

  UniqueFd caller_, grpc_;
  std::optional<RelayedConnection> relayed_;
};

TEST_F(RelayedConnectionTest, PassesBytesBothWaysAndWhatCameBeforeFirst) {
  const std::string call = http2::Frame(http2::kHeaders, http2::kEndHeaders, 1, "call");
  Say(caller_, call);
  Say(grpc_, "an answer");
  Move();
  EXPECT_EQ(Hear(grpc_), std::string(http2::kPreface) + call);
  EXPECT_EQ(Hear(caller_), "an answer");
  EXPECT_EQ(relayed_->caller_events(), uint32_t{EPOLLIN});
  EXPECT_EQ(relayed_->grpc_events(), uint32_t{EPOLLIN});
  EXPECT_EQ(relayed_->wakes(), absl::InfiniteDuration());
}

TEST_F(RelayedConnectionTest, CallsAboveTheRateAreLeftInTheCallersSocket) {
  std::string calls;
  for (int i = 0; i < 5000; ++i) calls += http2::Frame(http2::kHeaders, 0, 1, "call");
  Say(caller_, calls);
  std::string heard;
  const auto until_it_waits = [&](absl::Duration now) {
    for (int i = 0; i < 20; ++i) {
      Move(now);
      heard += *Hear(grpc_);
    }
  };
  until_it_waits(absl::ZeroDuration());
  EXPECT_EQ(heard.size(), http2::kPreface.size() + 500 * (http2::kFrameHeaderBytes + 4));
  EXPECT_EQ(relayed_->caller_events(), 0) << "waits for time only";
  EXPECT_EQ(relayed_->wakes(), absl::Milliseconds(2));
  for (int second = 1; second < 10; ++second) until_it_waits(absl::Seconds(second));
  EXPECT_EQ(heard, std::string(http2::kPreface) + calls);
}

TEST_F(RelayedConnectionTest, AnAnswerThatIsNotReadIsNotReadFromGrpcEither) {
  const std::string answer(100 << 10, 'x');
  std::string told, heard;
  while (told.size() < 100 * answer.size()) {
    const ssize_t sent = send(grpc_.get(), answer.data(), answer.size(), 0);
    if (sent <= 0) break;
    told.append(answer, 0, static_cast<size_t>(sent));
    Move();
    Move();
  }
  EXPECT_LT(told.size(), size_t{2} << 20);
  for (int i = 0; i < 200; ++i) Move();
  EXPECT_EQ(relayed_->grpc_events(), 0);
  EXPECT_EQ(relayed_->caller_events(), uint32_t{EPOLLIN} | uint32_t{EPOLLOUT});
  for (int i = 0; i < 1000 && heard.size() < told.size(); ++i) {
    heard += *Hear(caller_);
    Move();
  }
  EXPECT_EQ(heard, told);
}

TEST_F(RelayedConnectionTest, WhatWasSaidBeforeTheEndStillArrives) {
  Say(caller_, http2::Frame(http2::kHeaders, 0, 1, "call"));
  caller_.Reset();
  Move();
  Move();
  EXPECT_EQ(Hear(grpc_)->size(), http2::kPreface.size() + http2::kFrameHeaderBytes + 4);
  EXPECT_EQ(Hear(grpc_), std::nullopt);
  EXPECT_FALSE(relayed_->over());
  grpc_.Reset();
  Move();
  EXPECT_TRUE(relayed_->over());
}

TEST_F(RelayedConnectionTest, TheLastWordsOfGrpcArrive) {
  Say(grpc_, "goodbye");
  grpc_.Reset();
  Move();
  Move();
  EXPECT_TRUE(relayed_->over());
  EXPECT_EQ(Hear(caller_), "goodbye");
}

TEST_F(RelayedConnectionTest, ACallerWhoDoesNotReadTheEndIsNotWaitedForForLong) {
  shutdown(caller_.get(), SHUT_WR);
  Move();
  EXPECT_EQ(relayed_->wakes(), RelayedConnection::kTimeToLeave);
  Move(RelayedConnection::kTimeToLeave);
  EXPECT_TRUE(relayed_->over());
}

TEST_F(RelayedConnectionTest, AnEndlessHeaderBlockEndsIt) {
  Say(caller_, http2::Frame(http2::kHeaders, 0, 1, std::string(16 << 10, 'x')) +
                   http2::Frame(http2::kContinuation, 0, 1, "x"));
  Move();
  Move();
  EXPECT_TRUE(relayed_->over());
}

}  // namespace
}  // namespace cairn::core
