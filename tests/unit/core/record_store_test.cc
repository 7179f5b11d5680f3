#include "core/record_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/stored_records.h"

namespace cairn::core {
namespace {

using signaling::v1::Record;
using testing::ElementsAre;
using testing::IsEmpty;
using Said = RecordStore::Said;

// ---- which records a query gets

TEST(RecordStoreTest, RecordsOfATopicAreReturnedNewestFirst) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("u", From(1, "b"), 0);
  store.Put("t", From(2, "c"), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("c", "a"));
  EXPECT_THAT(Told(store, "u"), ElementsAre("b"));
  EXPECT_THAT(Told(store, "nobody's"), IsEmpty());
  EXPECT_EQ(store.size(), 3u);
}

TEST(RecordStoreTest, AConnectionDoesNotGetItsOwnRecords) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("t", From(2, "b", "0b"), 0);
  EXPECT_THAT(Told(store, "t", 1), ElementsAre("b"));
  EXPECT_THAT(Told(store, "t", 2), ElementsAre("a"));
}

TEST(RecordStoreTest, AnAnswerHasABoundedNumber) {
  RecordStore store({.max_answer_records = 2});
  for (uint64_t connection = 1; connection <= 4; ++connection)
    store.Put("t", From(connection, std::to_string(connection)), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("4", "3"));
  EXPECT_THAT(Told(store, "t", 4), ElementsAre("3", "2")) << "its own is not counted";
}

// ---- who takes whose place

TEST(RecordStoreTest, TheLastRecordOfAConnectionReplacesEarlierOnes) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("t", From(2, "b"), 0);
  store.Put("t", From(1, "c"), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("c", "b"));
  EXPECT_EQ(store.size(), 2u);
}

TEST(RecordStoreTest, APeerIdIsOnePublisherOverAnyConnection) {
  RecordStore store;
  store.Put("t", From(1, "a", "0b"), 0);
  store.Put("t", From(2, "b", "0b"), 0);
  store.Put("t", From(2, "c", "0c"), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("c", "b"));
}

TEST(RecordStoreTest, AConnectionWithAndWithoutAPeerIdIsTwoPublishers) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("t", From(1, "b", "0b"), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("b", "a"));
}

TEST(RecordStoreTest, TheSameBlobOfOneShotConnectionsIsOneRecord) {
  RecordStore store;
  store.Put("t", From(1, "same"), 0);
  store.Put("t", From(2, "other"), 0);
  store.Put("t", From(3, "same"), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("same", "other"));
  EXPECT_THAT(Told(store, "t", 1), ElementsAre("same", "other"))
      << "it is the last connection's now";
  EXPECT_THAT(Told(store, "t", 3), ElementsAre("other"));
}

TEST(RecordStoreTest, PeersWithTheSameAddressesAreStillTwo) {
  RecordStore store;
  Record one = From(1, "", "0b"), two = From(2, "", "0c"), three = From(3, "");
  for (Record* record : {&one, &two, &three}) record->add_addresses("0.0.0.0:4001");
  store.Put("t", one, 0);
  store.Put("t", two, 0);
  store.Put("t", three, 0);
  EXPECT_EQ(store.size(), 3u);
}

// ---- how long

TEST(RecordStoreTest, ARecordExpiresAtItsTimeAndIsCounted) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("t", From(2, "b"), 1);
  store.Expire(kTtlUs - 1);
  EXPECT_THAT(Told(store, "t"), ElementsAre("b", "a"));
  store.Expire(kTtlUs);
  EXPECT_THAT(Told(store, "t"), ElementsAre("b"));
  store.Expire(kTtlUs + 1);
  EXPECT_EQ(store.Find("t"), nullptr) << "a topic without records is forgotten";
  EXPECT_EQ(store.size(), 0u);
  EXPECT_EQ(store.bytes(), 0u);
  EXPECT_EQ(store.ended(RecordEnd::kExpired), 2u);
}

TEST(RecordStoreTest, RepeatingARecordRenewsIt) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("t", From(1, "a"), 500);
  store.Expire(kTtlUs);
  EXPECT_THAT(Told(store, "t"), ElementsAre("a"));
  EXPECT_EQ(store.ended(RecordEnd::kExpired), 0u) << "what was replaced has not ended";
}

TEST(RecordStoreTest, PutExpiresWhatIsDue) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("u", From(2, "b"), kTtlUs);
  EXPECT_EQ(store.size(), 1u);
}

TEST(RecordStoreTest, TimesToLiveAreBounded) {
  RecordStore store({.max_ttl_us = 10});
  store.Put("t", From(1, "a", "", 1'000'000), 0);
  store.Put("t", From(2, "b", "", -5), 0);
  EXPECT_EQ(store.Find("t")->front().expires_us, 10);
  EXPECT_EQ(store.Find("t")->back().expires_us, 0);
  store.Expire(0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("a"));
}

// ---- bounds

TEST(RecordStoreTest, AFullTopicLosesItsOldest) {
  RecordStore store({.max_per_topic = 2});
  for (uint64_t connection = 1; connection <= 3; ++connection)
    store.Put("t", From(connection, std::to_string(connection)), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("3", "2"));
  EXPECT_EQ(store.ended(RecordEnd::kTopicFull), 1u);
  store.Put("t", From(3, "3 again"), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("3 again", "2")) << "a new word needs no room";
  EXPECT_EQ(store.ended(RecordEnd::kTopicFull), 1u);
}

TEST(RecordStoreTest, AConnectionAboveItsBoundLosesItsOldest) {
  RecordStore store({.max_per_connection = 2});
  store.Put("other", From(9, "x"), 0);
  for (const char* topic : {"a", "b", "c"}) store.Put(topic, From(1, topic), 0);
  EXPECT_THAT(Told(store, "a"), IsEmpty());
  EXPECT_THAT(Told(store, "b"), ElementsAre("b"));
  EXPECT_THAT(Told(store, "c"), ElementsAre("c"));
  EXPECT_THAT(Told(store, "other"), ElementsAre("x"));
  EXPECT_EQ(store.ended(RecordEnd::kConnectionFull), 1u);
}

TEST(RecordStoreTest, WhenAllBytesAreUsedTheLargestPublisherLosesItsNextToExpire) {
  RecordStore one;
  one.Put("t", From(1, "x"), 0);
  RecordStore store({.max_bytes = 3 * one.bytes()});
  store.Put("t", From(1, "a"), 0);
  store.Put("u", From(2, "b"), 0);
  store.Put("v", From(2, "c", "", kTtlUs - 1), 0);
  store.Put("w", From(3, "d"), 0);
  EXPECT_THAT(Told(store, "v"), IsEmpty());
  EXPECT_EQ(store.size(), 3u);
  EXPECT_EQ(store.ended(RecordEnd::kBytesFull), 1u);
  store.Put("x", From(4, std::string(3 * one.bytes(), 'x')), 0);
  EXPECT_EQ(store.size(), 3u) << "one that is too large by itself is the most";
  EXPECT_THAT(Told(store, "x"), IsEmpty());
}

TEST(RecordStoreTest, ARecordThatNoAnswerCouldHoldIsRefused) {
  RecordStore store({.max_record_bytes = 100});
  EXPECT_TRUE(store.Put("t", From(1, std::string(100, 'x')), 0));
  EXPECT_FALSE(store.Put("t", From(1, std::string(101, 'x')), 0));
  Record addresses = From(2, "");
  for (int i = 0; i < 11; ++i) addresses.add_addresses("0.0.0.0:40");
  EXPECT_FALSE(store.Put("t", addresses, 0));
  EXPECT_EQ(store.size(), 1u);
  EXPECT_EQ(Told(store, "t").front().size(), 100u) << "the publisher's last word stays";
  EXPECT_EQ(store.ended(RecordEnd::kTooLarge), 2u);
}

TEST(RecordStoreTest, TheBytesOfAConnectionAndOfAnAddressAreBounded) {
  RecordStore one;
  one.Put("a", At("s", 1, std::string(1000, 'x')), 0);
  RecordStore store({.max_connection_bytes = 2 * one.bytes(), .max_source_bytes = 3 * one.bytes()});
  store.Put("x", At("elsewhere", 9, std::string(1000, 'x')), 0);
  for (const char* topic : {"a", "b", "c"}) store.Put(topic, At("s", 1, std::string(1000, 'x')), 0);
  EXPECT_EQ(store.ended(RecordEnd::kConnectionFull), 1u);
  EXPECT_THAT(Told(store, "a"), IsEmpty());
  for (const char* topic : {"d", "e"}) store.Put(topic, At("s", 2, std::string(1000, 'x')), 0);
  EXPECT_EQ(store.ended(RecordEnd::kAddressFull), 1u);
  EXPECT_EQ(store.bytes(), 4 * one.bytes());
  EXPECT_EQ(Told(store, "x").size(), 1u);
}

TEST(RecordStoreTest, APublisherThatFillsTheStoreLosesItsOwnRecords) {
  RecordStore store({.max_per_connection = 1'000'000,
                     .max_connection_bytes = SIZE_MAX,
                     .max_source_bytes = SIZE_MAX,
                     .max_bytes = 1 << 20});
  for (uint64_t victim = 1; victim <= 100; ++victim)
    store.Put("v" + std::to_string(victim), At("v" + std::to_string(victim), victim, "blob"), 0);
  // Many small records over many connections of one address, then few large ones of another.
  for (uint64_t n = 0; n < 5000; ++n)
    store.Put("small" + std::to_string(n), At("s", 1000 + n % 141, std::to_string(n)), 0);
  for (uint64_t n = 0; n < 100; ++n)
    store.Put("large" + std::to_string(n), At("l", 2000 + n % 2, std::string(48'000, 'x')), 0);
  for (uint64_t victim = 1; victim <= 100; ++victim)
    EXPECT_EQ(Told(store, "v" + std::to_string(victim)).size(), 1u) << victim;
  EXPECT_LE(store.bytes(), size_t{1} << 20);
}

TEST(RecordStoreTest, AmongEqualPublishersTheOldestRecordIsDropped) {
  RecordStore store({.max_source_bytes = 1 << 20});
  for (uint64_t connection = 1; connection <= 2000; ++connection)
    store.Put("t" + std::to_string(connection),
              At("proxy", 5000 - connection, std::string(connection % 100, 'x')), 0);
  EXPECT_GT(store.ended(RecordEnd::kAddressFull), 0u);
  EXPECT_THAT(Told(store, "t1"), IsEmpty());
  EXPECT_EQ(Told(store, "t2000").size(), 1u);
}

// ---- many records of one publisher in a topic

TEST(RecordStoreTest, ATopicFullOfOnePublishersRecordsLosesThoseNotOthers) {
  RecordStore store;
  store.Put("t", At("a", 1, "victim"), 0);
  for (uint64_t n = 0; n < 40; ++n)
    store.Put("t", At("b", 2 + n % 3, std::to_string(n), std::to_string(10 + n)), 0);
  const std::vector<std::string> told = Told(store, "t");
  ASSERT_EQ(told.size(), 16u);
  EXPECT_EQ(told[0], "39");
  EXPECT_EQ(told[1], "victim") << "the newest of every address comes first";
  EXPECT_EQ(store.ended(RecordEnd::kTopicFull), 25u);
}

TEST(RecordStoreTest, OfOneAddressTheNewestOfEveryConnectionComesFirst) {
  RecordStore store;
  store.Put("t", At("a", 1, "1"), 0);
  for (const char* blob : {"2", "3", "4"}) store.Put("t", At("a", 2, blob, blob), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("4", "1", "3", "2"));
}

TEST(RecordStoreTest, AnAnswerHasNoMoreRecordsThanFit) {
  RecordStore store;
  for (uint64_t connection = 1; connection <= 16; ++connection)
    store.Put("t",
              From(connection, std::string(connection == 15 ? 60'000 : 10'000,
                                           static_cast<char>('a' + connection))),
              0);
  google::protobuf::RepeatedPtrField<Record> records;
  EXPECT_EQ(store.Collect("t", kNobody, 65'536, &records), 10u);
  EXPECT_EQ(records.size(), 6) << "what does not fit is left out, and smaller ones are not";
  records.Clear();
  EXPECT_EQ(store.Collect("t", kNobody, SIZE_MAX, &records), 10u) << "whatever is asked for";
  records.Clear();
  EXPECT_EQ(store.Collect("t", 16, 3999, &records), 15u);
}

TEST(RecordStoreTest, TheOriginOfARecordIsNotReturned) {
  RecordStore store;
  store.Put("t", At("192.0.2.1", 1, "blob"), 0);
  google::protobuf::RepeatedPtrField<Record> records;
  store.Collect("t", kNobody, SIZE_MAX, &records);
  EXPECT_EQ(records.Get(0).source(), "");
}

TEST(RecordStoreTest, EveryEndHasAName) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kRecordEndCount; ++i) names.insert(Name(static_cast<RecordEnd>(i)));
  EXPECT_THAT(names,
              ElementsAre("record_address_full", "record_bytes_full", "record_connection_full",
                          "record_expired", "record_too_large", "record_topic_full"));
}

// ---- after a restart of the core: lanes say again what they know, in any order

TEST(RecordStoreTest, ARepeatedRecordKeepsItsPlace) {
  RecordStore store;
  store.Put("t", From(3, "third", "", 800), 0, Said::kBefore);
  store.Put("t", From(1, "first", "", 600), 0, Said::kBefore);
  store.Put("t", From(4, "now"), 0);
  store.Put("t", From(2, "second", "", 700), 0, Said::kBefore);
  EXPECT_THAT(Told(store, "t"), ElementsAre("now", "third", "second", "first"));
}

TEST(RecordStoreTest, AnOlderRecordThatIsRepeatedLaterIsIgnored) {
  RecordStore store;
  store.Put("t", From(2, "new", "0b", 800), 0, Said::kBefore);
  store.Put("t", From(1, "old", "0b", 600), 0, Said::kBefore);
  EXPECT_THAT(Told(store, "t"), ElementsAre("new"));
  store.Put("t", From(3, "newest", "0b", 900), 0, Said::kBefore);
  EXPECT_THAT(Told(store, "t"), ElementsAre("newest"));
  store.Put("t", From(4, "same", "", 500), 0, Said::kBefore);
  store.Put("t", From(5, "same", "", 400), 0, Said::kBefore);
  EXPECT_THAT(Told(store, "t", 4), ElementsAre("newest"))
      << "the later of the two connections is the publisher";
}

TEST(RecordStoreTest, ANewRecordReplacesALongerLivedOne) {
  RecordStore store;
  store.Put("t", From(1, "long", "0b", 1000), 0);
  store.Put("t", From(2, "short", "0b", 10), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("short"));
}

// A core that hung got the record late, and took it for one that lives longer.
TEST(RecordStoreTest, WhatALaneTellsAgainReplacesItsOwnRecordThatCameLate) {
  constexpr uint64_t kLane = 7, kOther = 8;
  RecordStore store;
  store.Put("t", From(1, "late", "0b", 900), 0, Said::kNow, kLane);
  store.Put("t", From(1, "of another", "0b", 600), 0, Said::kBefore, kOther);
  EXPECT_THAT(Told(store, "t"), ElementsAre("late"));
  store.Put("t", From(1, "newest", "0b", 600), 0, Said::kBefore, kLane);
  EXPECT_THAT(Told(store, "t"), ElementsAre("newest"));
}

TEST(RecordStoreTest, InAFullTopicTheOldestIsDroppedEvenIfItArrivesLast) {
  RecordStore store({.max_per_topic = 2, .max_per_connection = 1});
  store.Put("t", From(2, "b", "", 700), 0, Said::kBefore);
  store.Put("t", From(3, "c", "", 800), 0, Said::kBefore);
  store.Put("t", From(1, "a", "", 600), 0, Said::kBefore);
  EXPECT_THAT(Told(store, "t"), ElementsAre("c", "b"));
  EXPECT_EQ(store.size(), 2u);
  EXPECT_EQ(store.ended(RecordEnd::kTopicFull), 1u);
}

}  // namespace
}  // namespace cairn::core
