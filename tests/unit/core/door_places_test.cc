#include "core/door_places.h"

#include <gtest/gtest.h>

namespace cairn::core {
namespace {

const absl::Duration kStart = absl::Seconds(100);
const absl::Duration kLater = kStart + DoorPlaces::kLeastTime;

TEST(DoorPlacesTest, OfTheAddressThatHasMostTheOldestGoes) {
  DoorPlaces places;
  places.Add(1, "alone", kStart);
  places.Add(2, "many", kStart);
  places.Add(3, "many", kStart);
  EXPECT_EQ(places.Next(kLater, false), 2u);
  places.Remove(2);
  EXPECT_EQ(places.Next(kLater, false), 1u) << "of as many the oldest";
  EXPECT_EQ(places.size(), 2u);
}

TEST(DoorPlacesTest, NobodyGoesBeforeItsTime) {
  DoorPlaces places;
  EXPECT_EQ(places.Next(kLater, true), std::nullopt);
  places.Add(1, "a", kStart);
  EXPECT_EQ(places.oldest(), kStart);
  const absl::Duration early = kLater - absl::Milliseconds(1);
  EXPECT_EQ(places.Next(early, false), std::nullopt);
  EXPECT_EQ(places.Next(early, true), 1u) << "unless there is no descriptor left";
  EXPECT_EQ(places.Next(kLater, false), 1u);
}

TEST(DoorPlacesTest, TheYoungCountForTheirAddress) {
  DoorPlaces places;
  places.Add(1, "alone", kStart);
  places.Add(2, "many", kStart);
  places.Add(3, "many", kLater);
  EXPECT_EQ(places.Next(kLater, false), 2u);
  places.Remove(1);
  places.Remove(2);
  places.Remove(3);
  places.Remove(3);
  EXPECT_EQ(places.oldest(), std::nullopt);
}

}  // namespace
}  // namespace cairn::core
