#include "edge/close_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/log.h"
#include "tests/support/fake_clock.h"

namespace cairn::edge {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class CloseLogTest : public testing::Test {
 protected:
  // What the log says of it.
  std::string Note(CloseReason reason, std::string_view error = {}) {
    FlushLog(absl::Seconds(10));
    testing::internal::CaptureStdout();
    log_.Note(reason, error);
    FlushLog(absl::Seconds(10));
    return testing::internal::GetCapturedStdout();
  }

  FakeClock clock_;
  CloseLog log_{clock_};
};

TEST_F(CloseLogTest, OrdinaryCloseReasonsAreNotLoggedAsWarnings) {
  for (const CloseReason reason : {CloseReason::kClientClosed, CloseReason::kClientGone,
                                   CloseReason::kConnectionLost, CloseReason::kDraining}) {
    EXPECT_EQ(Note(reason), "");
  }
}

TEST_F(CloseLogTest, AWarningOfAReasonIsLoggedOnceAMinuteWithACount) {
  EXPECT_THAT(Note(CloseReason::kSlowReader),
              AllOf(HasSubstr(" WARN cairn_signal::edge: overload_close reason=slow_reader "),
                    HasSubstr(" suppressed=0\n")));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Note(CloseReason::kSlowReader), "");
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(Note(CloseReason::kSlowReader), HasSubstr("suppressed=3\n"));
}

TEST_F(CloseLogTest, OneReasonDoesNotHideAnother) {
  EXPECT_THAT(Note(CloseReason::kUpgradeRefused), HasSubstr("handshake_failed"));
  EXPECT_THAT(Note(CloseReason::kUnauthorized), HasSubstr("handshake_failed reason=unauthorized"));
  EXPECT_THAT(Note(CloseReason::kProtocolError), HasSubstr("rules_broken reason=protocol_error"));
}

TEST_F(CloseLogTest, TlsErrorsAreLoggedAndPlainDisconnectsAreNot) {
  EXPECT_EQ(Note(CloseReason::kTlsFailed), "");
  EXPECT_THAT(Note(CloseReason::kTlsFailed, "wrong version number"),
              HasSubstr(R"(handshake_failed reason=tls_failed error="wrong version number" )"));
}

}  // namespace
}  // namespace cairn::edge
