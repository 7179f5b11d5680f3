#include "edge/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cairn::edge {
namespace {

using testing::HasSubstr;

std::string Mistake(const EdgeLimits& limits) {
  const absl::Status status = limits.Validate();
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

struct Range {
  const char* option;
  size_t EdgeLimits::*member;
  size_t low;
  size_t high;
};

class LimitsRange : public testing::TestWithParam<Range> {
 protected:
  // With everything around it wide enough for the value to stand.
  static EdgeLimits With(size_t value) {
    EdgeLimits limits;
    limits.max_message_bytes = 64;
    limits.max_topic_bytes = 1;
    limits.max_queued_bytes = size_t{1} << 30;
    if (GetParam().member == &EdgeLimits::max_queued_bytes) limits.max_queued_bytes = 0;
    limits.*GetParam().member = value;
    return limits;
  }
};

TEST_P(LimitsRange, EndsAreAccepted) {
  EXPECT_EQ(Mistake(With(GetParam().low)), "");
  EXPECT_EQ(Mistake(With(GetParam().high)), "");
}

TEST_P(LimitsRange, AnErrorNamesTheOptionTheValueAndTheValidRange) {
  for (const size_t value : {GetParam().low - 1, GetParam().high + 1}) {
    const std::string text = Mistake(With(value));
    EXPECT_THAT(text, HasSubstr(std::string(GetParam().option) + " " + std::to_string(value)));
    EXPECT_THAT(
        text, HasSubstr(std::to_string(GetParam().low) + " to " + std::to_string(GetParam().high)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options, LimitsRange,
    testing::Values(
        Range{"--max-message-bytes", &EdgeLimits::max_message_bytes, 64, 64 << 20},
        Range{"--max-topics", &EdgeLimits::max_topics, 1, 1'000'000},
        Range{"--max-topic-bytes", &EdgeLimits::max_topic_bytes, 1, 64 << 10},
        Range{"--max-connections", &EdgeLimits::max_connections, 1, 10'000'000},
        Range{"--max-queued-bytes", &EdgeLimits::max_queued_bytes, 1024, size_t{1} << 30},
        Range{"--max-backlog-bytes", &EdgeLimits::max_backlog_bytes, 64 << 10, size_t{4} << 30}),
    [](const auto& range) {
      std::string name;
      for (const char* c = range.param.option; *c; ++c) {
        if (*c != '-') name += *c;
      }
      return name;
    });

TEST(EdgeLimits, DefaultsAreValid) { EXPECT_EQ(Mistake(EdgeLimits()), ""); }

TEST(EdgeLimits, SizesOfTheReferenceAreValid) {
  EdgeLimits limits;
  limits.max_message_bytes = 64 << 20;
  limits.max_queued_bytes = 128 << 20;
  EXPECT_EQ(Mistake(limits), "");
}

TEST(EdgeLimits, AQueueHoldsAtLeastOneMessage) {
  EdgeLimits limits;
  limits.max_message_bytes = 100'000;
  limits.max_topic_bytes = 1000;
  limits.max_queued_bytes = 101'063;
  const std::string text = Mistake(limits);
  EXPECT_THAT(text, HasSubstr("--max-queued-bytes 101063"));
  EXPECT_THAT(text, HasSubstr("--max-message-bytes 100000"));
  EXPECT_THAT(text, HasSubstr("at least 101064"));
  limits.max_queued_bytes = 101'064;
  EXPECT_EQ(Mistake(limits), "");
}

TEST(EdgeLimits, NoLimitOnConnectionsOfAnAddressIsValid) {
  EdgeLimits limits;
  limits.max_connections_per_ip = 0;
  EXPECT_EQ(Mistake(limits), "");
  limits.max_connections_per_ip = 1;
  EXPECT_EQ(Mistake(limits), "");
}

TEST(EdgeLimits, TimesMustBePositive) {
  EdgeLimits limits;
  limits.handshake_timeout = absl::ZeroDuration();
  EXPECT_THAT(Mistake(limits), HasSubstr("--handshake-timeout"));
  limits.handshake_timeout = absl::Milliseconds(1);
  EXPECT_EQ(Mistake(limits), "");
  limits.ping_interval = absl::Milliseconds(99);
  EXPECT_THAT(Mistake(limits), HasSubstr("--ping-interval"));
  limits.ping_interval = absl::Milliseconds(100);
  EXPECT_EQ(Mistake(limits), "");
}

}  // namespace
}  // namespace cairn::edge
