#include "core/authenticated_connections.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/unique_fd.h"

namespace cairn::core {
namespace {

UniqueFd NewConnection() { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

TEST(AuthenticatedConnectionsTest, AClosedConnectionMakesRoomForAnother) {
  AuthenticatedConnections connections(3, 2);
  UniqueFd first = NewConnection(), second = NewConnection(), third = NewConnection();
  connections.Add(AuthenticatedConnections::Of(first.get(), "a"));
  EXPECT_TRUE(connections.HasRoom("a"));
  connections.Add(AuthenticatedConnections::Of(second.get(), "a"));
  EXPECT_FALSE(connections.HasRoom("a")) << "of one address";
  EXPECT_TRUE(connections.HasRoom("b"));
  connections.Add(AuthenticatedConnections::Of(third.get(), "b"));
  EXPECT_FALSE(connections.HasRoom("b")) << "of all";
  first.Reset();
  EXPECT_TRUE(connections.HasRoom("b"));
  EXPECT_TRUE(connections.HasRoom("a"));
}

TEST(AuthenticatedConnectionsTest, ADescriptorThatIsAnothersNowDoesNotCount) {
  AuthenticatedConnections connections(1, 1);
  UniqueFd connection = NewConnection();
  const int number = connection.get();
  connections.Add(AuthenticatedConnections::Of(number, "a"));
  connection.Reset();
  const UniqueFd another = NewConnection();
  ASSERT_EQ(another.get(), number) << "the lowest that is free";
  EXPECT_TRUE(connections.HasRoom("a"));
}

}  // namespace
}  // namespace cairn::core
