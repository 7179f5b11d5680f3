#include "edge/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "tests/support/fake_clock.h"

namespace cairn::edge {
namespace {

class ListenerTest : public testing::Test {
 protected:
  Listener Open() {
    absl::StatusOr<Listener> listener =
        Listener::Open(*SocketAddress::Parse("127.0.0.1:0"), clock_);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }
  static UniqueFd Connect(const Listener& listener) {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress address = listener.address();
    EXPECT_EQ(connect(fd.get(), address.get(), address.size()), 0);
    return fd;
  }

  FakeClock clock_;
};

// Lowers the limit of open files to those that are open now, and restores it.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const rlimit none = {static_cast<rlim_t>(next.get()), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

TEST_F(ListenerTest, AcceptsWaitingConnectionsAndThenNothing) {
  Listener listener = Open();
  EXPECT_NE(listener.address().ToString(), "127.0.0.1:0");
  EXPECT_FALSE(listener.Accept());
  EXPECT_FALSE(listener.paused());
  const UniqueFd client = Connect(listener);
  const std::optional<Accepted> accepted = listener.Accept();
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->peer.ToString(), SocketAddress::OfSocket(client.get()).ToString());
  EXPECT_NE(fcntl(accepted->fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(accepted->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_FALSE(listener.Accept());
}

TEST_F(ListenerTest, WithoutDescriptorsItPausesAndTheConnectionWaits) {
  Listener listener = Open();
  const UniqueFd client = Connect(listener);
  {
    const NoDescriptors none;
    EXPECT_FALSE(listener.Accept());
    EXPECT_TRUE(listener.paused());
    listener.Retry();
    EXPECT_FALSE(listener.Accept()) << "still none";
    EXPECT_TRUE(listener.paused());
  }
  listener.Retry();
  EXPECT_TRUE(listener.Accept());
  EXPECT_FALSE(listener.paused());
}

TEST_F(ListenerTest, ASecondListenerSharesThePort) {
  Listener first = Open();
  absl::StatusOr<Listener> second = Listener::Open(first.address(), clock_);
  ASSERT_TRUE(second.ok()) << second.status();
  const UniqueFd client = Connect(first);
  const bool by_first = first.Accept().has_value();
  const bool by_second = second->Accept().has_value();
  EXPECT_NE(by_first, by_second) << "exactly one of them gets it";
}

TEST_F(ListenerTest, ASharedSocketStaysOpenWhenItsListenerCloses) {
  const Listener owner = Open();
  const UniqueFd socket(dup(owner.fd()));
  absl::StatusOr<Listener> sharing = Listener::Share(socket, clock_);
  ASSERT_TRUE(sharing.ok()) << sharing.status();
  EXPECT_TRUE(sharing->shared());
  const UniqueFd client = Connect(owner);
  sharing->Close();
  EXPECT_FALSE(sharing->open());
  absl::StatusOr<Listener> next = Listener::Share(socket, clock_);
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE(next->Accept()) << "what waited in the queue is still there";
}

TEST_F(ListenerTest, AnAddressThatIsNotOursIsRefusedByName) {
  const absl::Status status = Listener::Open(*SocketAddress::Parse("192.0.2.1:1"), clock_).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_NE(status.ToString().find("192.0.2.1:1"), std::string::npos) << status;
}

}  // namespace
}  // namespace cairn::edge
