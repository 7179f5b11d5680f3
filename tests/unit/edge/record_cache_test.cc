#include "edge/record_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::Record;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kTtlUs = 1000;

absl::Duration AtUs(int64_t us) { return absl::Hours(1) + absl::Microseconds(us); }

Record From(uint64_t connection, const std::string& blob, const std::string& peer_id = "") {
  Record record;
  record.set_connection(connection);
  record.set_peer_id(peer_id);
  record.set_blob(blob);
  record.set_ttl_us(kTtlUs);
  return record;
}

std::vector<LaneEvent> SnapshotOf(RecordCache& cache, int64_t now_us) {
  std::vector<LaneEvent> events;
  cache.BeginSnapshot();
  for (LaneEvent event; cache.TakeForSnapshot(AtUs(now_us), event); event.Clear())
    events.push_back(event);
  return events;
}

class RecordCacheTest : public testing::Test {
 protected:
  // "topic blob microseconds-left", in the order of a snapshot.
  std::vector<std::string> Snapshot(int64_t now_us) {
    std::vector<std::string> records;
    for (const LaneEvent& event : SnapshotOf(cache_, now_us)) {
      EXPECT_EQ(event.kind(), LaneEvent::KIND_PUBLISHED);
      EXPECT_EQ(event.seq(), 0u) << "it would be relayed again";
      EXPECT_EQ(event.peer(), event.record().connection());
      EXPECT_EQ(event.payload(), "");
      records.push_back(event.topic() + " " + event.record().blob() + " " +
                        std::to_string(event.record().ttl_us()));
    }
    return records;
  }

  RecordCache cache_{1 << 20};
};

TEST_F(RecordCacheTest, RepeatsRecordsOldestFirstWithTheirRemainingTime) {
  cache_.Keep("t", From(1, "a"), AtUs(0));
  cache_.Keep("u", From(1, "b"), AtUs(100));
  cache_.Keep("t", From(2, "c"), AtUs(200));
  EXPECT_THAT(Snapshot(300), ElementsAre("t a 700", "u b 800", "t c 900"));
  EXPECT_THAT(Snapshot(300), ElementsAre("t a 700", "u b 800", "t c 900")) << "each time";
}

TEST_F(RecordCacheTest, RepeatsTheWholeRecord) {
  Record record = From(7, "", "0b0c");
  record.add_addresses("a:1");
  record.add_addresses("é");
  cache_.Keep("t", record, AtUs(0));
  const std::vector<LaneEvent> events = SnapshotOf(cache_, 0);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].record().SerializeAsString(), record.SerializeAsString());
}

TEST_F(RecordCacheTest, ForgetsExpiredRecords) {
  cache_.Keep("t", From(1, "a"), AtUs(0));
  cache_.Keep("t", From(2, "b"), AtUs(1));
  EXPECT_THAT(Snapshot(kTtlUs), ElementsAre("t b 1"));
  EXPECT_THAT(Snapshot(kTtlUs + 1), IsEmpty());
  EXPECT_EQ(cache_.size(), 0u);
  EXPECT_EQ(cache_.bytes(), 0u);
}

TEST_F(RecordCacheTest, APublishersLastRecordReplacesItsEarlierOnes) {
  cache_.Keep("t", From(1, "a"), AtUs(0));
  cache_.Keep("t", From(2, "b"), AtUs(1));
  cache_.Keep("t", From(1, "c"), AtUs(2));
  EXPECT_THAT(Snapshot(10), ElementsAre("t b 991", "t c 992"));
  // A peer id is the same publisher over any connection.
  cache_.Keep("u", From(3, "d", "0b"), AtUs(3));
  cache_.Keep("u", From(4, "e", "0b"), AtUs(4));
  EXPECT_THAT(Snapshot(10), ElementsAre("t b 991", "t c 992", "u e 994"));
}

TEST_F(RecordCacheTest, RepeatingARecordEvictsNoOtherPublisher) {
  cache_.Keep("t", From(1, "patient"), AtUs(0));
  const size_t bytes_of_one = cache_.bytes();
  for (int i = 0; i < 100'000; ++i) cache_.Keep("t", From(2, "chatter"), AtUs(1));
  EXPECT_EQ(cache_.size(), 2u);
  EXPECT_EQ(cache_.bytes(), 2 * bytes_of_one);
  EXPECT_THAT(Snapshot(1), ElementsAre("t patient 999", "t chatter 1000"));
}

TEST_F(RecordCacheTest, TopicsAndPublishersAreNotMixedUp) {
  cache_.Keep("t", From(1, "a"), AtUs(0));
  cache_.Keep("t", From(2, "b", "01"), AtUs(0));
  cache_.Keep("t0", From(3, "c", "1"), AtUs(0));
  cache_.Keep("", From(1, "d"), AtUs(0));
  EXPECT_EQ(cache_.size(), 4u);
}

TEST_F(RecordCacheTest, TheOldestRecordsAreDroppedWhenThereIsNoRoom) {
  RecordCache one_only(1);
  one_only.Keep("t", From(1, "a"), AtUs(0));
  EXPECT_EQ(one_only.size(), 0u) << "not even one that is too large by itself";
  cache_.Keep("t", From(1, "a"), AtUs(0));
  RecordCache three(3 * cache_.bytes());
  for (uint64_t connection = 1; connection <= 8; ++connection)
    three.Keep("t", From(connection, "a"), AtUs(0));
  EXPECT_EQ(three.size(), 3u);
  const std::vector<LaneEvent> events = SnapshotOf(three, 0);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].peer(), 6u);
  EXPECT_EQ(events[2].peer(), 8u);
}

TEST_F(RecordCacheTest, APublisherThatFillsItLosesItsOwnRecords) {
  for (uint64_t connection = 1; connection <= 50; ++connection)
    cache_.Keep("t", From(connection, "victim's"), AtUs(0));
  for (int i = 0; i < 100; ++i)
    cache_.Keep("hostile " + std::to_string(i), From(99, std::string(40'000, 'x')), AtUs(1));
  const std::vector<LaneEvent> events = SnapshotOf(cache_, 1);
  ASSERT_GT(events.size(), 50u);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(events[i].record().blob(), "victim's");
  EXPECT_EQ(events.back().topic(), "hostile 99");
}

// What comes while a snapshot is told, piece by piece, is told as it comes.
TEST_F(RecordCacheTest, ASnapshotHasTheRecordsOfItsBeginning) {
  cache_.Keep("a", From(1, "a"), AtUs(0));
  cache_.Keep("b", From(2, "b"), AtUs(0));
  cache_.Keep("c", From(3, "c"), AtUs(0));
  cache_.BeginSnapshot();
  LaneEvent event;
  ASSERT_TRUE(cache_.TakeForSnapshot(AtUs(1), event));
  EXPECT_EQ(event.topic(), "a");
  cache_.Keep("d", From(4, "d"), AtUs(1));
  cache_.Keep("b", From(2, "newer"), AtUs(1));  // what is next is replaced
  ASSERT_TRUE(cache_.TakeForSnapshot(AtUs(1), event));
  EXPECT_EQ(event.topic(), "c");
  EXPECT_FALSE(cache_.TakeForSnapshot(AtUs(1), event));
  cache_.Keep("e", From(5, "e"), AtUs(1));
  EXPECT_FALSE(cache_.TakeForSnapshot(AtUs(1), event));
}

TEST_F(RecordCacheTest, ASnapshotOfAnEmptyCacheStaysEmpty) {
  cache_.BeginSnapshot();
  cache_.Keep("a", From(1, "a"), AtUs(0));
  LaneEvent event;
  EXPECT_FALSE(cache_.TakeForSnapshot(AtUs(0), event));
}

TEST_F(RecordCacheTest, RecordsDroppedDuringASnapshotAreLeftOut) {
  cache_.Keep("a", From(1, "a"), AtUs(0));
  RecordCache two(2 * cache_.bytes());
  two.Keep("a", From(1, "a"), AtUs(0));
  two.Keep("b", From(2, "b"), AtUs(500));
  two.BeginSnapshot();
  two.Keep("c", From(3, "c"), AtUs(500));  // no room for the first
  LaneEvent event;
  ASSERT_TRUE(two.TakeForSnapshot(AtUs(500), event));
  EXPECT_EQ(event.topic(), "b");
  EXPECT_FALSE(two.TakeForSnapshot(AtUs(500), event));
  two.BeginSnapshot();
  EXPECT_FALSE(two.TakeForSnapshot(AtUs(500 + kTtlUs), event)) << "expired";
}

}  // namespace
}  // namespace cairn::edge
