#include "edge/record_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;
using signaling::v1::Record;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kTtlUs = 1000;

Record From(uint64_t connection, const std::string& blob, const std::string& peer_id = "") {
  Record record;
  record.set_connection(connection);
  record.set_peer_id(peer_id);
  record.set_blob(blob);
  record.set_ttl_us(kTtlUs);
  return record;
}

class RecordCacheTest : public testing::Test {
 protected:
  // "topic blob microseconds-left", in the order of a snapshot.
  std::vector<std::string> Snapshot(int64_t now_us) {
    LaneToCore out;
    cache_.AppendSnapshot(now_us, out);
    std::vector<std::string> records;
    for (const LaneEvent& event : out.events()) {
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

TEST_F(RecordCacheTest, SaysRecordsAgainOldestFirstWithTheTimeThatIsLeft) {
  cache_.Keep("t", From(1, "a"), 0);
  cache_.Keep("u", From(1, "b"), 100);
  cache_.Keep("t", From(2, "c"), 200);
  EXPECT_THAT(Snapshot(300), ElementsAre("t a 700", "u b 800", "t c 900"));
  EXPECT_THAT(Snapshot(300), ElementsAre("t a 700", "u b 800", "t c 900")) << "each time";
}

TEST_F(RecordCacheTest, SaysTheWholeRecord) {
  Record record = From(7, "", "0b0c");
  record.add_addresses("a:1");
  record.add_addresses("é");
  cache_.Keep("t", record, 0);
  LaneToCore out;
  cache_.AppendSnapshot(0, out);
  ASSERT_EQ(out.events_size(), 1);
  EXPECT_EQ(out.events(0).record().SerializeAsString(), record.SerializeAsString());
}

TEST_F(RecordCacheTest, ForgetsWhatHasExpired) {
  cache_.Keep("t", From(1, "a"), 0);
  cache_.Keep("t", From(2, "b"), 1);
  EXPECT_THAT(Snapshot(kTtlUs), ElementsAre("t b 1"));
  EXPECT_THAT(Snapshot(kTtlUs + 1), IsEmpty());
  EXPECT_EQ(cache_.size(), 0u);
  EXPECT_EQ(cache_.bytes(), 0u);
}

TEST_F(RecordCacheTest, APublishersLastWordTakesThePlaceOfEarlierOnes) {
  cache_.Keep("t", From(1, "a"), 0);
  cache_.Keep("t", From(2, "b"), 1);
  cache_.Keep("t", From(1, "c"), 2);
  EXPECT_THAT(Snapshot(10), ElementsAre("t b 991", "t c 992"));
  // A peer id is the same publisher over any connection.
  cache_.Keep("u", From(3, "d", "0b"), 3);
  cache_.Keep("u", From(4, "e", "0b"), 4);
  EXPECT_THAT(Snapshot(10), ElementsAre("t b 991", "t c 992", "u e 994"));
}

TEST_F(RecordCacheTest, WhoOftenSaysTheSameTakesNobodysRoom) {
  cache_.Keep("t", From(1, "patient"), 0);
  const size_t bytes_of_one = cache_.bytes();
  for (int i = 0; i < 100'000; ++i) cache_.Keep("t", From(2, "chatter"), 1);
  EXPECT_EQ(cache_.size(), 2u);
  EXPECT_EQ(cache_.bytes(), 2 * bytes_of_one);
  EXPECT_THAT(Snapshot(1), ElementsAre("t patient 999", "t chatter 1000"));
}

TEST_F(RecordCacheTest, TopicsAndPublishersAreNotMixedUp) {
  cache_.Keep("t", From(1, "a"), 0);
  cache_.Keep("t", From(2, "b", "01"), 0);
  cache_.Keep("t0", From(3, "c", "1"), 0);
  cache_.Keep("", From(1, "d"), 0);
  EXPECT_EQ(cache_.size(), 4u);
}

TEST_F(RecordCacheTest, TheOldestGoWhenThereIsNoRoom) {
  RecordCache one_only(1);
  one_only.Keep("t", From(1, "a"), 0);
  EXPECT_EQ(one_only.size(), 0u) << "not even one that is too large by itself";
  cache_.Keep("t", From(1, "a"), 0);
  RecordCache three(3 * cache_.bytes());
  for (uint64_t connection = 1; connection <= 8; ++connection)
    three.Keep("t", From(connection, "a"), 0);
  EXPECT_EQ(three.size(), 3u);
  LaneToCore out;
  three.AppendSnapshot(0, out);
  ASSERT_EQ(out.events_size(), 3);
  EXPECT_EQ(out.events(0).peer(), 6u);
  EXPECT_EQ(out.events(2).peer(), 8u);
}

}  // namespace
}  // namespace cairn::edge
