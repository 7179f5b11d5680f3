#include "base/named_set.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cairn {
namespace {

struct Room final : Named<Room> {
  int doors = 2;
  std::vector<int> chairs;
};

TEST(NamedSet, ObjectsAreFoundByTheirNames) {
  NamedSet<Room> rooms;
  for (const std::string& name : {std::string(), std::string("hall"), std::string("a\0b", 3)}) {
    auto room = Room::New(name);
    room->chairs.assign(100, static_cast<int>(name.size()));
    rooms.insert(std::move(room));
  }
  EXPECT_EQ(rooms.size(), 3u);
  ASSERT_TRUE(rooms.contains("hall"));
  EXPECT_EQ((*rooms.find("hall"))->chairs.front(), 4);
  EXPECT_EQ((*rooms.find("hall"))->doors, 2);
  EXPECT_EQ((*rooms.find(""))->name(), "");
  EXPECT_EQ((*rooms.find(std::string_view("a\0b", 3)))->name().size(), 3u);
  EXPECT_FALSE(rooms.contains("a"));
  EXPECT_FALSE(rooms.insert(Room::New("hall")).second);
  rooms.erase(rooms.find("hall"));
  EXPECT_FALSE(rooms.contains("hall"));
}

TEST(NamedSet, ANameIsKeptWithItsObject) {
  std::string name(100'000, 'x');
  const auto room = Room::New(name);
  name.assign("something else");
  EXPECT_EQ(room->name(), std::string(100'000, 'x'));
  EXPECT_EQ(room->name().data(), reinterpret_cast<const char*>(room.get() + 1));
}

TEST(NamedSet, PointersAreOrderedByName) {
  const auto one = Room::New("1"), two = Room::New("2"), ten = Room::New("10");
  const std::set<const Room*, NamedBefore<Room>> rooms = {two.get(), ten.get(), one.get()};
  std::string names;
  for (const Room* room : rooms) names.append(room->name()).append(" ");
  EXPECT_EQ(names, "1 10 2 ");
  EXPECT_EQ(*rooms.lower_bound(std::string_view("11")), two.get());
}

}  // namespace
}  // namespace cairn
