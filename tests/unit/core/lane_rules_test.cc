#include "core/lane_rules.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "proto/link/identity.h"
#include "proto/link/protocol_version.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::LaneStats;
using signaling::v1::LaneToCore;

// Bounds that differ, so that none is checked in the place of another.
CoreLimits SmallLimits() {
  CoreLimits limits;
  limits.max_word_bytes = 3;
  limits.max_topic_bytes = 5;
  limits.max_name_bytes = 7;
  limits.max_address_bytes = 9;
  limits.max_payload_bytes = 11;
  limits.max_addresses = 2;
  limits.max_counts = 2;
  limits.max_roster_lanes = 4;
  return limits;
}

struct Bound {
  const char* name;
  size_t bound;
  std::function<void(LaneEvent&, size_t)> fill;
};

TEST(LaneRulesTest, AnEventIsRefusedOnceAStringOrListIsOneAboveItsBound) {
  const CoreLimits limits = SmallLimits();
  const auto text = [](size_t size) { return std::string(size, 'x'); };
  const Bound bounds[] = {
      {"topic", limits.max_topic_bytes, [&](auto& e, size_t n) { e.set_topic(text(n)); }},
      {"payload", limits.max_payload_bytes, [&](auto& e, size_t n) { e.set_payload(text(n)); }},
      {"reason", limits.max_name_bytes, [&](auto& e, size_t n) { e.set_close_reason(text(n)); }},
      {"address of a peer", limits.max_word_bytes,
       [&](auto& e, size_t n) { e.mutable_info()->set_remote_address(text(n)); }},
      {"agent", limits.max_name_bytes,
       [&](auto& e, size_t n) { e.mutable_info()->set_user_agent(text(n)); }},
      {"TLS version", limits.max_word_bytes,
       [&](auto& e, size_t n) { e.mutable_info()->set_tls_version(text(n)); }},
      {"dialect", limits.max_word_bytes,
       [&](auto& e, size_t n) { e.mutable_stats()->set_dialect(text(n)); }},
      {"announced id", limits.max_name_bytes,
       [&](auto& e, size_t n) { e.mutable_record()->set_peer_id(text(n)); }},
      {"blob", limits.max_payload_bytes,
       [&](auto& e, size_t n) { e.mutable_record()->set_blob(text(n)); }},
      {"address of a record", limits.max_address_bytes,
       [&](auto& e, size_t n) { e.mutable_record()->add_addresses(text(n)); }},
      {"addresses", limits.max_addresses,
       [&](auto& e, size_t n) {
         for (size_t i = 0; i < n; ++i) e.mutable_record()->add_addresses("a");
       }},
  };
  for (const Bound& one : bounds) {
    LaneEvent at_bound, above;
    one.fill(at_bound, one.bound);
    one.fill(above, one.bound + 1);
    EXPECT_EQ(WhyRefused(at_bound, limits), std::nullopt) << one.name;
    EXPECT_EQ(WhyRefused(above, limits), LaneRefusal::kTooLong) << one.name;
  }
}

TEST(LaneRulesTest, CountersOfALaneAreFewAndHaveShortNames) {
  const CoreLimits limits = SmallLimits();
  LaneStats stats;
  for (size_t i = 0; i < limits.max_counts; ++i)
    stats.add_closes()->set_name(std::string(limits.max_word_bytes, 'x'));
  EXPECT_EQ(WhyRefused(stats, limits), std::nullopt);
  LaneStats many = stats;
  many.add_closes();
  EXPECT_EQ(WhyRefused(many, limits), LaneRefusal::kTooLong);
  stats.add_drops()->set_name(std::string(limits.max_word_bytes + 1, 'x'));
  EXPECT_EQ(WhyRefused(stats, limits), LaneRefusal::kTooLong);
}

TEST(LaneRulesTest, AHelloIsAloneCompleteAndWithinItsBounds) {
  const CoreLimits limits = SmallLimits();
  LaneToCore good;
  good.mutable_hello()->set_protocol_version(link::kProtocolVersion);
  good.mutable_hello()->set_lane_id(1);
  good.mutable_hello()->set_edge(std::string(limits.max_name_bytes, 'x'));
  good.mutable_hello()->set_version(std::string(limits.max_word_bytes, 'x'));
  good.mutable_hello()->set_secret(std::string(link::kSecretBytes, 'x'));
  for (uint64_t id = 0; id < limits.max_roster_lanes; ++id)
    good.mutable_hello()->mutable_roster()->add_lanes(id);
  EXPECT_EQ(WhyRefused(good, limits), std::nullopt);
  const std::function<void(LaneToCore&)> faults[] = {
      [](auto& m) { m.mutable_hello()->set_protocol_version(link::kProtocolVersion + 1); },
      [](auto& m) { m.mutable_hello()->set_lane_id(0); },
      [](auto& m) { m.mutable_hello()->clear_edge(); },
      [](auto& m) { m.mutable_hello()->mutable_edge()->push_back('x'); },
      [](auto& m) { m.mutable_hello()->mutable_version()->push_back('x'); },
      [](auto& m) { m.mutable_hello()->mutable_secret()->push_back('x'); },
      [](auto& m) { m.mutable_hello()->mutable_roster()->add_awaited(9); },
      [](auto& m) { m.add_events(); },
      [](auto& m) { m.set_part("x"); },
      [](auto& m) { m.mutable_stats(); },
  };
  for (size_t i = 0; i < std::size(faults); ++i) {
    LaneToCore bad = good;
    faults[i](bad);
    EXPECT_EQ(WhyRefused(bad, limits), LaneRefusal::kHello) << "fault " << i;
  }
}

TEST(LaneRulesTest, ALaneProvesItsIdByTheSecretThatItIsDerivedFrom) {
  signaling::v1::Hello hello;
  hello.set_secret(std::string(link::kSecretBytes, 's'));
  hello.set_lane_id(link::LaneIdOf(hello.secret()));
  EXPECT_TRUE(ProvesLane(hello));
  hello.set_lane_id(hello.lane_id() + 1);
  EXPECT_FALSE(ProvesLane(hello));
}

}  // namespace
}  // namespace cairn::core
