#include "core/record_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace cairn::core {
namespace {

using signaling::v1::Record;
using testing::ElementsAre;
using testing::IsEmpty;
using Said = RecordStore::Said;

constexpr int64_t kTtlUs = 1000;
constexpr uint64_t kNobody = 0;

Record From(uint64_t connection, const std::string& blob, const std::string& peer_id = "",
            int64_t ttl_us = kTtlUs) {
  Record record;
  record.set_connection(connection);
  record.set_peer_id(peer_id);
  record.set_blob(blob);
  record.set_ttl_us(ttl_us);
  return record;
}

// Blobs of what `asking` is told, newest first.
std::vector<std::string> Told(const RecordStore& store, std::string_view topic,
                              uint64_t asking = kNobody) {
  google::protobuf::RepeatedPtrField<Record> records;
  store.Collect(topic, asking, &records);
  std::vector<std::string> blobs;
  for (const Record& record : records) blobs.push_back(record.blob());
  return blobs;
}

// ---- who is told what

TEST(RecordStoreTest, RecordsOfATopicAreToldNewestFirst) {
  RecordStore store;
  store.Put("t", From(1, "a"), 0);
  store.Put("u", From(1, "b"), 0);
  store.Put("t", From(2, "c"), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("c", "a"));
  EXPECT_THAT(Told(store, "u"), ElementsAre("b"));
  EXPECT_THAT(Told(store, "nobody's"), IsEmpty());
  EXPECT_EQ(store.size(), 3u);
}

TEST(RecordStoreTest, AConnectionIsNotToldItsOwn) {
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

TEST(RecordStoreTest, TheLastWordOfAConnectionCounts) {
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

TEST(RecordStoreTest, SayingItAgainRenewsIt) {
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

TEST(RecordStoreTest, AConnectionThatSaysTooMuchLosesItsOwnOldest) {
  RecordStore store({.max_per_connection = 2});
  store.Put("other", From(9, "x"), 0);
  for (const char* topic : {"a", "b", "c"}) store.Put(topic, From(1, topic), 0);
  EXPECT_THAT(Told(store, "a"), IsEmpty());
  EXPECT_THAT(Told(store, "b"), ElementsAre("b"));
  EXPECT_THAT(Told(store, "c"), ElementsAre("c"));
  EXPECT_THAT(Told(store, "other"), ElementsAre("x"));
  EXPECT_EQ(store.ended(RecordEnd::kConnectionFull), 1u);
}

TEST(RecordStoreTest, WhenAllBytesAreUsedTheOneThatExpiresFirstGoes) {
  RecordStore one;
  one.Put("t", From(1, "x"), 0);
  RecordStore store({.max_bytes = 2 * one.bytes()});
  store.Put("t", From(1, "a"), 0);
  store.Put("u", From(2, "b", "", kTtlUs - 1), 0);
  store.Put("v", From(3, "c"), 0);
  EXPECT_THAT(Told(store, "u"), IsEmpty());
  EXPECT_EQ(store.size(), 2u);
  EXPECT_EQ(store.ended(RecordEnd::kBytesFull), 1u);
  store.Put("w", From(4, std::string(2 * one.bytes(), 'x')), 0);
  EXPECT_EQ(store.size(), 0u) << "one that is too large by itself goes last";
  EXPECT_EQ(store.bytes(), 0u);
}

TEST(RecordStoreTest, EveryEndHasAName) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kRecordEndCount; ++i) names.insert(Name(static_cast<RecordEnd>(i)));
  EXPECT_THAT(names, ElementsAre("record_bytes_full", "record_connection_full", "record_expired",
                                 "record_topic_full"));
}

// ---- after a restart of the core: lanes say again what they know, in any order

TEST(RecordStoreTest, WhatIsSaidAgainKeepsItsPlace) {
  RecordStore store;
  store.Put("t", From(3, "third", "", 800), 0, Said::kBefore);
  store.Put("t", From(1, "first", "", 600), 0, Said::kBefore);
  store.Put("t", From(4, "now"), 0);
  store.Put("t", From(2, "second", "", 700), 0, Said::kBefore);
  EXPECT_THAT(Told(store, "t"), ElementsAre("now", "third", "second", "first"));
}

TEST(RecordStoreTest, AnEarlierWordThatIsSaidAgainLaterDoesNotCount) {
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

TEST(RecordStoreTest, WhatIsSaidNowCountsHoweverShortlyItLives) {
  RecordStore store;
  store.Put("t", From(1, "long", "0b", 1000), 0);
  store.Put("t", From(2, "short", "0b", 10), 0);
  EXPECT_THAT(Told(store, "t"), ElementsAre("short"));
}

TEST(RecordStoreTest, InAFullTopicTheOldestGoesAlsoIfItIsSaidLast) {
  RecordStore store({.max_per_topic = 2, .max_per_connection = 1});
  store.Put("t", From(2, "b", "", 700), 0, Said::kBefore);
  store.Put("t", From(3, "c", "", 800), 0, Said::kBefore);
  store.Put("t", From(1, "a", "", 600), 0, Said::kBefore);
  EXPECT_THAT(Told(store, "t"), ElementsAre("c", "b"));
  EXPECT_EQ(store.size(), 2u);
  EXPECT_EQ(store.ended(RecordEnd::kTopicFull), 1u);
}

// ---- against a model that keeps everything in one list

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
    DropFirstAbove(limits.max_per_topic, [&](const Known& known) { return known.topic == topic; });
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
  std::vector<std::string> Told(const std::string& topic, uint64_t asking) const {
    std::vector<std::string> blobs;
    for (auto known = all.rbegin(); known != all.rend(); ++known) {
      if (known->topic == topic && known->record.connection() != asking)
        blobs.push_back(known->record.blob());
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
