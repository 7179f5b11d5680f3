#include "core/feed_queue.h"

#include <gtest/gtest.h>

#include "signaling/v1/admin.pb.h"

namespace cairn::core {
namespace {

using signaling::v1::Event;

Event At(int64_t time_us) {
  Event event;
  event.set_time_us(time_us);
  event.set_kind(Event::KIND_CLOSED);
  return event;
}

void MarkMissed(Event& event) { event.set_kind(Event::KIND_MISSED); }

TEST(FeedQueueTest, RecordsAreTakenInOrder) {
  FeedQueue<Event> queue(10);
  Event taken;
  EXPECT_FALSE(queue.Take(taken));
  queue.Add(At(1));
  queue.Add(At(2));
  ASSERT_TRUE(queue.Take(taken));
  EXPECT_EQ(taken.time_us(), 1);
  EXPECT_EQ(taken.missed(), 0u);
  ASSERT_TRUE(queue.Take(taken));
  EXPECT_EQ(taken.time_us(), 2);
  EXPECT_FALSE(queue.Take(taken));
}

TEST(FeedQueueTest, TheNextQueuedRecordCountsThoseThatWereLeftOutBeforeIt) {
  FeedQueue<Event> queue(1);
  Event taken;
  for (int64_t time = 1; time <= 3; ++time) queue.Add(At(time));
  ASSERT_TRUE(queue.Take(taken));
  EXPECT_EQ(taken.missed(), 0u);
  queue.Add(At(4));
  ASSERT_TRUE(queue.Take(taken));
  EXPECT_EQ(taken.time_us(), 4);
  EXPECT_EQ(taken.missed(), 2u);
  EXPECT_EQ(taken.kind(), Event::KIND_CLOSED);
  EXPECT_FALSE(queue.Take(taken));
}

TEST(FeedQueueTest, ARecordOfItsOwnCountsThoseThatWereLeftOutAtTheEnd) {
  FeedQueue<Event> queue(1, MarkMissed);
  Event taken;
  for (int64_t time = 1; time <= 3; ++time) queue.Add(At(time));
  ASSERT_TRUE(queue.Take(taken));
  ASSERT_TRUE(queue.Take(taken));
  EXPECT_EQ(taken.kind(), Event::KIND_MISSED);
  EXPECT_EQ(taken.missed(), 2u);
  EXPECT_EQ(taken.time_us(), 3) << "of the last one";
  EXPECT_FALSE(queue.Take(taken)) << "counted once";
}

TEST(FeedQueueTest, AClearedQueueHasNothingToTell) {
  FeedQueue<Event> queue(1);
  Event taken;
  for (int64_t time = 1; time <= 3; ++time) queue.Add(At(time));
  queue.Clear();
  EXPECT_FALSE(queue.Take(taken));
}

}  // namespace
}  // namespace cairn::core
