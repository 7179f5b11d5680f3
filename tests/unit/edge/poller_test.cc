#include "edge/poller.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <functional>

#include "base/task_queue.h"

namespace cairn::edge {
namespace {

// One end of a socket pair that a poller watches; the other end is the test's.
struct Socket final : SocketListener {
  Socket() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    fd = UniqueFd(fds[0]);
    other = UniqueFd(fds[1]);
  }
  void OnSocketReady(uint32_t epoll_events) override {
    ++calls;
    events = epoll_events;
    on_ready();
  }
  void MakeReady() const { EXPECT_EQ(write(other.get(), "x", 1), 1); }

  UniqueFd fd;
  UniqueFd other;
  int calls = 0;
  uint32_t events = 0;
  std::function<void()> on_ready = [] {};
};

class PollerTest : public testing::Test {
 protected:
  int HandleAll() {
    poller_.Collect(0);
    int handled = 0;
    while (poller_.HandleNext()) ++handled;
    return handled;
  }

  Socket a_, b_;
  TaskQueue tasks_;
  Poller poller_{tasks_.wake_fd()};
};

TEST_F(PollerTest, OnlyReadySocketsAreHandled) {
  ASSERT_TRUE(poller_.Add(a_.fd.get(), EPOLLIN, a_));
  ASSERT_TRUE(poller_.Add(b_.fd.get(), EPOLLIN, b_));
  EXPECT_EQ(HandleAll(), 0);
  b_.MakeReady();
  EXPECT_EQ(HandleAll(), 1);
  EXPECT_EQ(a_.calls, 0);
  EXPECT_EQ(b_.events, uint32_t{EPOLLIN});
}

TEST_F(PollerTest, ATaskEndsAWaitOnce) {
  ASSERT_NE(tasks_.MillisecondsToSleep(), 0);  // the thread sleeps from now on
  tasks_.Post([] {});
  EXPECT_TRUE(poller_.Collect(-1));
  EXPECT_TRUE(poller_.HandleNext()) << "it calls nobody";
  EXPECT_FALSE(poller_.Collect(0));
}

TEST_F(PollerTest, ChangedEventsCount) {
  ASSERT_TRUE(poller_.Add(a_.fd.get(), EPOLLIN, a_));
  a_.MakeReady();
  ASSERT_TRUE(poller_.Change(a_.fd.get(), EPOLLOUT, a_));
  EXPECT_EQ(HandleAll(), 1);
  EXPECT_EQ(a_.events, uint32_t{EPOLLOUT});
}

TEST_F(PollerTest, ASocketThatCannotBeWatchedIsRefusedWithAnError) {
  EXPECT_FALSE(poller_.Add(-1, EPOLLIN, a_));
  EXPECT_EQ(errno, EBADF);
}

TEST_F(PollerTest, EventsLeftOfATurnComeFirstInTheNext) {
  for (Socket* socket : {&a_, &b_}) {
    ASSERT_TRUE(poller_.Add(socket->fd.get(), EPOLLIN, *socket));
    socket->MakeReady();
  }
  ASSERT_TRUE(poller_.Collect(0));
  ASSERT_TRUE(poller_.HandleNext());
  ASSERT_TRUE(poller_.Collect(0));
  ASSERT_TRUE(poller_.HandleNext());
  EXPECT_EQ(a_.calls, 1);
  EXPECT_EQ(b_.calls, 1);
  EXPECT_FALSE(poller_.HandleNext());
}

TEST_F(PollerTest, ASocketThatIsRemovedWhileItsEventWaitsIsNotCalled) {
  for (Socket* socket : {&a_, &b_}) {
    ASSERT_TRUE(poller_.Add(socket->fd.get(), EPOLLIN, *socket));
    socket->MakeReady();
  }
  a_.on_ready = [this] { poller_.Remove(b_.fd.get(), b_); };
  b_.on_ready = [this] { poller_.Remove(a_.fd.get(), a_); };
  HandleAll();
  EXPECT_EQ(a_.calls + b_.calls, 1);
}

// A file that is still open elsewhere, as in a child process, stays in an epoll set.
TEST_F(PollerTest, ARemovedSocketThatAnotherProcessHasIsNotCalled) {
  ASSERT_TRUE(poller_.Add(a_.fd.get(), EPOLLIN, a_));
  const UniqueFd copy(dup(a_.fd.get()));
  poller_.Remove(a_.fd.get(), a_);
  a_.fd.Reset();
  a_.MakeReady();
  EXPECT_EQ(HandleAll(), 0);
}

TEST_F(PollerTest, TheLinkReplacesWhatItWaitsFor) {
  ASSERT_TRUE(poller_.WatchSocket(a_.fd.get(), EPOLLIN, a_));
  a_.MakeReady();
  ASSERT_TRUE(poller_.WatchSocket(a_.fd.get(), EPOLLOUT, b_));
  EXPECT_EQ(HandleAll(), 1);
  EXPECT_EQ(a_.calls, 0);
  EXPECT_EQ(b_.events, uint32_t{EPOLLOUT});
  poller_.ForgetSocket(a_.fd.get());
  poller_.ForgetSocket(a_.fd.get());  // has no effect
  EXPECT_EQ(HandleAll(), 0);
}

TEST_F(PollerTest, ALinksSocketThatCannotBeWatchedIsRefusedWithAnErrorAndTheNextOneIsNot) {
  // Of a file there are no events (epoll_ctl(2), EPERM).
  const UniqueFd fd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_FALSE(poller_.WatchSocket(fd.get(), EPOLLIN, a_));
  EXPECT_EQ(errno, EPERM);
  ASSERT_EQ(dup2(b_.fd.get(), fd.get()), fd.get());
  ASSERT_TRUE(poller_.WatchSocket(fd.get(), EPOLLIN, b_));
  b_.MakeReady();
  EXPECT_EQ(HandleAll(), 1);
  EXPECT_EQ(b_.calls, 1);
}

}  // namespace
}  // namespace cairn::edge
