#include "admin-cli/rpc/fleet_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace cairn::admin {
namespace {

using ::testing::ElementsAre;

v1::ReasonCount Reason(const std::string& reason, uint64_t count) {
  v1::ReasonCount one;
  one.set_reason(reason);
  one.set_count(count);
  return one;
}

TEST(FleetMergeTest, FiguresAreSumsAndSharedTopicsCountOnce) {
  v1::GetStatusResponse a, b;
  a.set_core_id("a");
  a.set_version("1.0.0");
  a.set_cores(2);
  a.set_peers(3);
  a.set_topics(2);
  a.set_fleet_topics(4);
  a.set_started_us(200);
  *a.add_closes() = Reason("idle", 1);
  b.set_core_id("b");
  b.set_version("1.1.0");
  b.set_cores(2);
  b.set_peers(4);
  b.set_topics(3);
  b.set_fleet_topics(4);
  b.set_started_us(100);
  b.set_tls_not_after_us(7);
  *b.add_closes() = Reason("idle", 2);
  *b.add_closes() = Reason("going_away", 5);
  const v1::GetStatusResponse sum = Merged({a, b});
  EXPECT_EQ(sum.core_id(), "a");
  EXPECT_EQ(sum.version(), "1.0.0, 1.1.0");
  EXPECT_EQ(sum.cores(), 2u);
  EXPECT_EQ(sum.peers(), 7u);
  EXPECT_EQ(sum.topics(), 4u);
  EXPECT_EQ(sum.started_us(), 100);
  EXPECT_EQ(sum.tls_not_after_us(), 7);
  ASSERT_EQ(sum.closes_size(), 2);
  EXPECT_EQ(sum.closes(0).reason(), "going_away");
  EXPECT_EQ(sum.closes(1).count(), 3u);
}

TEST(FleetMergeTest, AnEdgeBetweenTwoCoresIsOneEdge) {
  v1::ListEdgesResponse a, b;
  for (const char* name : {"x", "y"}) {
    v1::EdgeInfo& edge = *a.add_edges();
    edge.set_edge(name);
    edge.set_lanes(2);
    edge.set_peers(10);
  }
  v1::EdgeInfo& moved = *b.add_edges();
  moved.set_edge("x");
  moved.set_lanes(1);
  moved.set_peers(5);
  moved.set_draining(true);
  const v1::ListEdgesResponse merged = Merged({a, b});
  ASSERT_EQ(merged.edges_size(), 2);
  EXPECT_EQ(merged.edges(0).edge(), "x");
  EXPECT_EQ(merged.edges(0).lanes(), 3u);
  EXPECT_EQ(merged.edges(0).peers(), 15u);
  EXPECT_TRUE(merged.edges(0).draining());
  EXPECT_EQ(merged.edges(1).peers(), 10u);
}

TEST(FleetMergeTest, ATopicIsTheSumOfItsParts) {
  v1::Topic a, b;
  a.set_subscribers(1);
  a.add_peers("2");
  a.set_created_us(50);
  a.set_records(1);
  a.set_newest_record_age_us(30);
  a.set_oldest_record_age_us(30);
  b.set_subscribers(2);
  b.add_peers("3");
  b.add_peers("1");
  b.set_last_relay_us(9);
  b.set_records(2);
  b.set_newest_record_age_us(10);
  b.set_oldest_record_age_us(20);
  MergeTopic(b, a);
  EXPECT_EQ(a.subscribers(), 3u);
  EXPECT_THAT(a.peers(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(a.created_us(), 50);
  EXPECT_EQ(a.last_relay_us(), 9);
  EXPECT_EQ(a.records(), 3u);
  EXPECT_EQ(a.newest_record_age_us(), 10);
  EXPECT_EQ(a.oldest_record_age_us(), 30);
}

TEST(FleetMergeTest, APeerThatIsConnectedCountsMoreThanItsPast) {
  v1::Peer live, old, older;
  old.set_closed_us(20);
  older.set_closed_us(10);
  EXPECT_EQ(Merged({older, old}).closed_us(), 20);
  EXPECT_EQ(Merged({older, live, old}).closed_us(), 0);
}

TEST(FleetMergeTest, PeersAreOrderedAsACoreOrdersThem) {
  v1::Peer a, b;
  a.set_id("1");
  a.set_bytes_in(5);
  b.set_id("2");
  b.set_bytes_in(5);
  v1::ListPeersRequest request;
  EXPECT_TRUE(ComesBefore(request, a, b));
  request.set_sort(v1::ListPeersRequest::SORT_BYTES_IN);
  request.set_descending(true);
  EXPECT_TRUE(ComesBefore(request, b, a));
  a.set_bytes_in(6);
  EXPECT_TRUE(ComesBefore(request, a, b));
}

TEST(FleetMergeTest, WhatIsFirstOfAllSurvivesPruning) {
  v1::ListTopicsRequest request;
  request.set_sort(v1::ListTopicsRequest::SORT_SUBSCRIBERS);
  request.set_descending(true);
  request.set_limit(2);
  std::vector<v1::Topic> topics;
  size_t most = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    topics.emplace_back().set_subscribers(i * 7919 % 1000);
    Prune(request, topics);
    most = std::max(most, topics.size());
  }
  SortFirst(request, topics);
  ASSERT_EQ(topics.size(), 2u);
  EXPECT_EQ(topics[0].subscribers(), 999u);
  EXPECT_EQ(topics[1].subscribers(), 998u);
  EXPECT_LE(most, 132u);
}

}  // namespace
}  // namespace cairn::admin
