#include <absl/time/time.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "edge/http2_core_stream_opener.h"
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

// Two cores that are unix sockets; streams are welcomed by the test.
class SeveralCoresTest : public testing::Test {
 protected:
  SeveralCoresTest() {
    listener_.stream = &stream_;
    Http2CoreStreamOpener::Options options;
    for (const std::string& path : paths_)
      options.targets.push_back(*CoreTarget::Parse("unix:" + path));
    options.failback = failback_;
    opener_.emplace(options, loop_, clock_);
  }
  ~SeveralCoresTest() override {
    for (const std::string& path : paths_) std::remove(path.c_str());
  }

  void Start(int core) {
    sockets_[core] = ListenOnUnixSocket(paths_[core]);
    ASSERT_TRUE(sockets_[core].valid());
  }
  void Kill(int core) {
    sockets_[core].Reset();
    std::remove(paths_[core].c_str());
    peer_.Reset();
  }
  bool Accepts(int core) {
    peer_ = UniqueFd(accept4(sockets_[core].get(), nullptr, nullptr, SOCK_NONBLOCK));
    return peer_.valid();
  }
  void Send(const std::string& bytes) {
    ASSERT_EQ(send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // The stream that opens now comes to this core, which welcomes it.
  void OpenAt(int core) {
    listener_.ended.reset();
    stream_ = opener_->OpenStream(listener_);
    stream_->Write(LaneToCore());
    ASSERT_TRUE(loop_.RunUntil([&] { return Accepts(core); }));
    const size_t before = listener_.numbers.size();
    Send(Http2Peer::Settings() + Http2Peer::Response() +
         Http2Peer::Data(Http2Peer::Message(CoreToLane().SerializeAsString())));
    ASSERT_TRUE(loop_.RunUntil([&] { return listener_.numbers.size() > before; }));
  }
  bool RunUntilEnded() {
    return loop_.RunUntil([this] { return listener_.ended.has_value(); });
  }
  // The core that has just accepted a connection answers on it and on those that follow: the lane
  // may also ask it whether it is well again because it prefers it.
  bool AnswerUntilEnded(int core) {
    std::vector<UniqueFd> answered;
    do {
      Send(Http2Peer::Settings());
      answered.push_back(std::move(peer_));
      if (!loop_.RunUntil([&] { return listener_.ended || Accepts(core); })) return false;
    } while (!listener_.ended);
    return true;
  }
  // So much time passes at once.
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    loop_.RunTimers(time);
  }
  // The lane's core sends nothing, first for `interval`, then for `timeout`.
  void FallSilent(absl::Duration interval, absl::Duration timeout) {
    Pass(interval);
    EXPECT_FALSE(listener_.ended);
    Pass(timeout);
  }

  const std::string paths_[2] = {testing::TempDir() + "core-a-" + std::to_string(getpid()),
                                 testing::TempDir() + "core-b-" + std::to_string(getpid())};
  FakeClock clock_;
  PollLoop loop_;
  CoreStreamEvents listener_;
  std::shared_ptr<CoreFailback> failback_ = std::make_shared<CoreFailback>(clock_, 1);
  std::optional<Http2CoreStreamOpener> opener_;
  std::unique_ptr<CoreStream> stream_;
  UniqueFd sockets_[2];
  UniqueFd peer_;
};

TEST_F(SeveralCoresTest, TheFirstIsUsed) {
  Start(0);
  Start(1);
  OpenAt(0);
}

TEST_F(SeveralCoresTest, TheNextIsTriedAtOnceOnTheSameStream) {
  Start(1);
  OpenAt(1);
  EXPECT_FALSE(listener_.ended);
}

TEST_F(SeveralCoresTest, NoCoreIsOneFailureThatNamesAll) {
  stream_ = opener_->OpenStream(listener_);
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(listener_.ended, StatusCode::kUnavailable);
  for (const std::string& path : paths_)
    EXPECT_NE(listener_.reason.find(path), std::string::npos) << listener_.reason;
}

// There the lane's link goes on.
TEST_F(SeveralCoresTest, AfterABrokenConnectionTheSameCoreIsTriedFirst) {
  Start(1);
  OpenAt(1);
  Start(0);
  peer_.Reset();
  ASSERT_TRUE(RunUntilEnded());
  OpenAt(1);
}

TEST_F(SeveralCoresTest, ADeadCoreIsLeft) {
  Start(0);
  Start(1);
  OpenAt(0);
  Kill(0);
  ASSERT_TRUE(RunUntilEnded());
  OpenAt(1);
}

TEST_F(SeveralCoresTest, ASilentCoreIsLeftAsSoonAsAnotherAnswersAndTheNextAsWell) {
  Start(0);
  Start(1);
  for (const int core : {0, 1, 0}) {
    OpenAt(core);
    FallSilent(absl::FromChrono(link::kImpatientInterval),
               absl::FromChrono(link::kImpatientTimeout));
    EXPECT_FALSE(listener_.ended);
    const UniqueFd silent = std::move(peer_);
    stream_->Tick();
    ASSERT_TRUE(loop_.RunUntil([&] { return Accepts(1 - core); })) << "the other is asked";
    EXPECT_FALSE(listener_.ended);
    ASSERT_TRUE(AnswerUntilEnded(1 - core));
    EXPECT_EQ(listener_.ended, StatusCode::kUnavailable);
    EXPECT_NE(listener_.reason.find(paths_[1 - core]), std::string::npos) << listener_.reason;
  }
}

TEST_F(SeveralCoresTest, ASilentCoreIsNotLeftForOneWhoseSocketTheKernelCannotWatch) {
  Start(0);
  Start(1);
  OpenAt(0);
  FallSilent(absl::FromChrono(link::kImpatientInterval), absl::FromChrono(link::kImpatientTimeout));
  const UniqueFd silent = std::move(peer_);
  loop_.watches_left = 1;  // while it connects
  stream_->Tick();
  ASSERT_TRUE(loop_.RunUntil([&] { return Accepts(1) && loop_.watched() == 1; }));
  EXPECT_EQ(loop_.watches_left, 0u);
  EXPECT_FALSE(listener_.ended);
}

TEST_F(SeveralCoresTest, WhatSlowsAllCoresDownDoesNotDriveTheLaneAround) {
  Start(0);
  Start(1);
  OpenAt(0);
  const absl::Duration soon = absl::FromChrono(link::kImpatientInterval + link::kImpatientTimeout);
  FallSilent(absl::FromChrono(link::kImpatientInterval), absl::FromChrono(link::kImpatientTimeout));
  const UniqueFd silent = std::move(peer_);
  stream_->Tick();
  ASSERT_TRUE(loop_.RunUntil([&] { return Accepts(1); }));
  stream_->Tick();
  EXPECT_FALSE(listener_.ended);
  Pass(absl::FromChrono(link::kKeepaliveInterval + link::kKeepaliveTimeout) - soon -
       absl::Milliseconds(1));
  EXPECT_FALSE(listener_.ended);
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(listener_.ended, StatusCode::kUnavailable) << "as if there was one core";
}

TEST_F(SeveralCoresTest, ACoreThatFallsSilentRightAfterAnAnswerIsLeftAsSoon) {
  Start(0);
  Start(1);
  OpenAt(0);
  Pass(absl::FromChrono(link::kImpatientInterval));
  const size_t before = listener_.numbers.size();
  Send(Http2Peer::Data(Http2Peer::Message(CoreToLane().SerializeAsString())));
  ASSERT_TRUE(loop_.RunUntil([&] { return listener_.numbers.size() > before; }));
  FallSilent(absl::FromChrono(link::kImpatientInterval), absl::FromChrono(link::kImpatientTimeout));
  const UniqueFd silent = std::move(peer_);
  stream_->Tick();
  EXPECT_TRUE(loop_.RunUntil([&] { return Accepts(1); }));
}

TEST_F(SeveralCoresTest, ACoreThatAnswersLateIsNotLeft) {
  Start(0);
  Start(1);
  OpenAt(0);
  FallSilent(absl::FromChrono(link::kImpatientInterval), absl::FromChrono(link::kImpatientTimeout));
  UniqueFd late = std::move(peer_);
  stream_->Tick();
  ASSERT_TRUE(loop_.RunUntil([&] { return Accepts(1); }));
  const size_t before = listener_.numbers.size();
  std::swap(late, peer_);
  Send(Http2Peer::Data(Http2Peer::Message(CoreToLane().SerializeAsString())));
  ASSERT_TRUE(loop_.RunUntil([&] { return listener_.numbers.size() > before; }));
  std::swap(late, peer_);
  Send(Http2Peer::Settings());
  loop_.RunUntil([n = 0]() mutable { return ++n > 5; });
  EXPECT_FALSE(listener_.ended);
}

TEST_F(SeveralCoresTest, ACoreThatTakesConnectionsAndDoesNotAnswerComesLast) {
  Start(0);
  Start(1);
  stream_ = opener_->OpenStream(listener_);
  ASSERT_TRUE(loop_.RunUntil([&] { return Accepts(0); }));
  peer_.Reset();
  ASSERT_TRUE(RunUntilEnded());
  OpenAt(1);
}

TEST_F(SeveralCoresTest, TheLaneReturnsToThePreferredCoreWhenProbesHaveFoundItWell) {
  Start(1);
  OpenAt(1);
  Start(0);
  const UniqueFd current = std::move(peer_);
  absl::Duration passed;
  while (!listener_.ended && passed < absl::Minutes(5)) {
    stream_->Tick();
    // A probe, if it is time for one.
    for (int i = 0; i < 20 && !Accepts(0); ++i)
      loop_.RunUntil([n = 0]() mutable { return ++n > 1; });
    if (peer_.valid()) Send(Http2Peer::Settings());
    loop_.RunUntil([n = 0]() mutable { return ++n > 5; });
    clock_.Advance(absl::Seconds(5));
    passed += absl::Seconds(5);
  }
  EXPECT_EQ(listener_.ended, StatusCode::kOk);
  EXPECT_GE(passed, CoreFailback::kWell);
  OpenAt(0);
  for (int i = 0; i < 3; ++i) {
    stream_->Tick();
    clock_.Advance(absl::Seconds(5));
  }
  EXPECT_FALSE(Accepts(0)) << "nothing is probed by a lane that is where it wants to be";
}

TEST_F(SeveralCoresTest, APreferredCoreThatDoesNotAnswerProbesIsNotWell) {
  Start(1);
  OpenAt(1);
  Start(0);
  const UniqueFd current = std::move(peer_);
  for (int i = 0; i < 30; ++i) {
    stream_->Tick();
    loop_.RunUntil([n = 0]() mutable { return ++n > 3; });
    clock_.Advance(absl::Seconds(5));
    // Also the streams' own time, which finds the current core alive.
    if (i % 2 == 0) peer_ = UniqueFd(accept4(sockets_[0].get(), nullptr, nullptr, SOCK_NONBLOCK));
  }
  EXPECT_EQ(failback_->moves(), 0u);
  EXPECT_FALSE(listener_.ended);
}

}  // namespace
}  // namespace cairn::edge
