#include "core/door_guests.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/unique_fd.h"

namespace cairn::core {
namespace {

UniqueFd NewConnection() { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

TEST(DoorGuestsTest, ThereIsRoomAgainWhenOneIsGone) {
  DoorGuests guests(3, 2);
  UniqueFd first = NewConnection(), second = NewConnection(), third = NewConnection();
  guests.Add(DoorGuests::Of(first.get(), "a"));
  EXPECT_TRUE(guests.HasRoom("a"));
  guests.Add(DoorGuests::Of(second.get(), "a"));
  EXPECT_FALSE(guests.HasRoom("a")) << "of one address";
  EXPECT_TRUE(guests.HasRoom("b"));
  guests.Add(DoorGuests::Of(third.get(), "b"));
  EXPECT_FALSE(guests.HasRoom("b")) << "of all";
  first.Reset();
  EXPECT_TRUE(guests.HasRoom("b"));
  EXPECT_TRUE(guests.HasRoom("a"));
}

TEST(DoorGuestsTest, ADescriptorThatIsAnothersNowDoesNotCount) {
  DoorGuests guests(1, 1);
  UniqueFd connection = NewConnection();
  const int number = connection.get();
  guests.Add(DoorGuests::Of(number, "a"));
  connection.Reset();
  const UniqueFd another = NewConnection();
  ASSERT_EQ(another.get(), number) << "the lowest that is free";
  EXPECT_TRUE(guests.HasRoom("a"));
}

TEST(DoorGuestsTest, WhoComesOverAPathHasNoAddress) {
  DoorGuests guests(2, 1);
  const UniqueFd first = NewConnection();
  guests.Add(DoorGuests::Of(first.get(), ""));
  EXPECT_TRUE(guests.HasRoom(""));
}

}  // namespace
}  // namespace cairn::core
