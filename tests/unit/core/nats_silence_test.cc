#include "core/nats_silence.h"

#include <gtest/gtest.h>

#include <chrono>

namespace cairn::core {
namespace {

using Due = NatsSilence::Due;
using std::chrono::milliseconds;

TEST(NatsSilenceTest, AServerThatSaysNothingIsAskedAndThenLeft) {
  NatsSilence::Time now{};
  NatsSilence silence(now);
  EXPECT_EQ(silence.Take(now + milliseconds(399)), Due::kNothing);
  EXPECT_EQ(silence.Take(silence.next()), Due::kPing);
  EXPECT_EQ(silence.Take(now + milliseconds(1'399)), Due::kNothing) << "once";
  EXPECT_EQ(silence.next(), now + milliseconds(1'400));
  EXPECT_EQ(silence.Take(silence.next()), Due::kLeave);
}

TEST(NatsSilenceTest, WhateverItSaysIsAnAnswer) {
  NatsSilence::Time now{};
  NatsSilence silence(now);
  for (int i = 0; i < 10; ++i) {
    now += milliseconds(400);
    EXPECT_EQ(silence.Take(now), Due::kPing);
    now += milliseconds(999);
    EXPECT_EQ(silence.Take(now), Due::kNothing);
    silence.OnHeard(now);
  }
}

// A core that was stopped finds what came meanwhile first, and must not leave its server at once.
TEST(NatsSilenceTest, TimeWithoutACallIsNotHeldAgainstTheServer) {
  NatsSilence::Time now{};
  NatsSilence silence(now);
  now += std::chrono::seconds(10);
  EXPECT_EQ(silence.Take(now), Due::kPing);
  EXPECT_EQ(silence.Take(now + milliseconds(999)), Due::kNothing);
}

}  // namespace
}  // namespace cairn::core
