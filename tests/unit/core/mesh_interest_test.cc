#include "core/mesh_interest.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>

namespace cairn::core {
namespace {

TEST(MeshInterest, FindsWhatWasAddedAndNothingElse) {
  MeshInterest interest;
  const TopicHash a = HashTopic("a"), b = HashTopic("b");
  interest.Add(a, 1, 5, 10);
  interest.Add(a, 2, 6, 11);
  interest.Add(b, 1, 5, 12);
  ASSERT_NE(interest.Find(a, 2, 6), nullptr);
  EXPECT_EQ(interest.Find(a, 2, 6)->stamp, 11);
  EXPECT_EQ(interest.Find(a, 2, 5), nullptr);
  EXPECT_TRUE(interest.Remove(a, 2, 6));
  EXPECT_FALSE(interest.Remove(a, 2, 6));
  EXPECT_EQ(interest.Find(a, 2, 6), nullptr);
  EXPECT_EQ(interest.size(), 2);
  EXPECT_EQ(interest.First(HashTopic("c")), nullptr);
}

TEST(MeshInterest, AgreesWithASimpleTableThroughRandomChanges) {
  MeshInterest interest;
  std::map<std::string, std::set<std::tuple<uint64_t, uint32_t>>> expected;
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string topic = absl::StrCat("topic ", random() % 50);
    const uint64_t peer = random() % 20;
    const uint32_t place = random() % 4;
    auto& entries = expected[topic];
    if (i % 5'000 == 4'999) {
      interest.Sweep([&](const MeshInterest::Entry& entry) { return entry.place == place; });
      for (auto& [name, set] : expected)
        std::erase_if(set, [&](const auto& one) { return std::get<1>(one) == place; });
    } else if (random() % 2 == 0) {
      if (entries.emplace(peer, place).second) interest.Add(HashTopic(topic), peer, place, 1);
    } else {
      EXPECT_EQ(interest.Remove(HashTopic(topic), peer, place), entries.erase({peer, place}) > 0);
    }
  }
  size_t size = 0;
  for (const auto& [topic, entries] : expected) {
    std::set<std::tuple<uint64_t, uint32_t>> found;
    for (auto* entry = interest.First(HashTopic(topic)); entry; entry = interest.Next(*entry))
      EXPECT_TRUE(found.emplace(entry->peer, entry->place).second);
    EXPECT_EQ(found, entries) << topic;
    size += entries.size();
  }
  EXPECT_EQ(interest.size(), size);
}

}  // namespace
}  // namespace cairn::core
