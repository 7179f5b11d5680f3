// RecordStore against a model that keeps everything in one list.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/record_store.h"
#include "tests/support/stored_records.h"

namespace cairn::core {
namespace {

using signaling::v1::Record;

struct Model {
  struct Known {
    std::string topic;
    Record record;
    int64_t expires_us;
  };
  RecordLimits limits;
  std::vector<Known> all;  // oldest first

  void Put(const std::string& topic, const Record& record, int64_t now_us) {
    Expire(now_us);
    std::erase_if(all, [&](const Known& known) {
      if (known.topic != topic) return false;
      const bool named = !known.record.peer_id().empty() || !record.peer_id().empty();
      if (named) return known.record.peer_id() == record.peer_id();
      return known.record.connection() == record.connection() ||
             known.record.blob() == record.blob();
    });
    all.push_back({topic, record, now_us + record.ttl_us()});
    std::vector<size_t> spread = Spread(topic);
    if (spread.size() > limits.max_per_topic)
      all.erase(all.begin() + static_cast<ptrdiff_t>(spread.back()));
    DropFirstAbove(limits.max_per_connection, [&](const Known& known) {
      return known.record.connection() == record.connection();
    });
  }
  void Expire(int64_t now_us) {
    std::erase_if(all, [now_us](const Known& known) { return known.expires_us <= now_us; });
  }
  template <typename Predicate>
  void DropFirstAbove(size_t count, Predicate mine) {
    if (static_cast<size_t>(std::count_if(all.begin(), all.end(), mine)) > count) {
      all.erase(std::find_if(all.begin(), all.end(), mine));
    }
  }
  // Where the topic's records are: the newest of each connection, then each one's second newest,
  // and so on; in each round the newest first.
  std::vector<size_t> Spread(const std::string& topic) const {
    std::map<uint64_t, size_t> taken;
    std::map<size_t, std::vector<size_t>> rounds;
    for (size_t i = all.size(); i-- > 0;) {
      if (all[i].topic != topic) continue;
      rounds[taken[all[i].record.connection()]++].push_back(i);
    }
    std::vector<size_t> order;
    for (const auto& [round, places] : rounds) {
      order.insert(order.end(), places.begin(), places.end());
    }
    return order;
  }
  std::vector<std::string> Told(const std::string& topic, uint64_t asking) const {
    std::vector<std::string> blobs;
    for (const size_t i : Spread(topic)) {
      if (all[i].record.connection() != asking) blobs.push_back(all[i].record.blob());
    }
    return blobs;
  }
};

TEST(RecordStoreTest, IsThatOfTheModelAfterAnyHistory) {
  std::mt19937 random(20);
  const RecordLimits limits{.max_per_topic = 4, .max_per_connection = 3};
  RecordStore store(limits);
  Model model{limits, {}};
  const auto any = [&random](uint64_t below) {
    return std::uniform_int_distribution<uint64_t>(0, below - 1)(random);
  };
  int64_t now_us = 0;
  for (int step = 0; step < 20'000; ++step) {
    now_us += static_cast<int64_t>(any(100));
    const std::string topic = "t" + std::to_string(any(4));
    const Record record = From(1 + any(6), "blob " + std::to_string(any(8)),
                               any(3) == 0 ? "0" + std::to_string(any(3)) : "");
    store.Put(topic, record, now_us);
    model.Put(topic, record, now_us);
    const uint64_t asking = any(7);
    ASSERT_EQ(Told(store, topic, asking), model.Told(topic, asking)) << step;
    ASSERT_EQ(store.size(), model.all.size()) << step;
  }
  store.Expire(now_us + kTtlUs);
  EXPECT_EQ(store.size(), 0u);
  EXPECT_EQ(store.bytes(), 0u);
}

}  // namespace
}  // namespace cairn::core
