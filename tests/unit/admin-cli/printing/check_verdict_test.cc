#include "admin-cli/printing/check_verdict.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

namespace v1 = ::cairn::signaling::v1;

constexpr absl::Time kCheckedAt = absl::FromUnixSeconds(1'770'000'000);

v1::GetStatusResponse Healthy() {
  v1::GetStatusResponse status;
  status.set_started_us(absl::ToUnixMicros(kCheckedAt - absl::Hours(1)));
  status.set_peers(12);
  status.set_topics(3);
  status.set_edges(2);
  status.set_relays(100);
  status.set_deliveries(150);
  status.set_resident_bytes(64 << 20);
  status.set_relays_per_second(0.5);
  status.set_tls_not_after_us(absl::ToUnixMicros(kCheckedAt + absl::Hours(60 * 24)));
  return status;
}

TEST(CheckVerdictTest, AHealthyCoreIsOneLineWithPerformanceData) {
  const CheckVerdict verdict = Evaluate(Healthy(), Thresholds(), kCheckedAt);
  EXPECT_EQ(verdict.state, CheckState::kOk);
  EXPECT_EQ(verdict.ToLine(),
            "CAIRN OK - 12 peers, 2 edges, 64.0 MiB, certificate ends in 60d00h, 0.5 relays/s | "
            "peers=12 edges=2 "
            "memory=67108864B certificate=5184000s;1209600:;259200: topics=3 relays=100c "
            "deliveries=150c drops=0c "
            "uptime=3600s");
}

TEST(CheckVerdictTest, ProblemsComeFirst) {
  Thresholds thresholds;
  thresholds.memory.warning = Range::AtMost(32 << 20);
  const CheckVerdict verdict = Evaluate(Healthy(), thresholds, kCheckedAt);
  EXPECT_EQ(verdict.state, CheckState::kWarning);
  EXPECT_EQ(verdict.text.substr(0, 27), "64.0 MiB WARNING, 12 peers,");
  EXPECT_NE(verdict.perfdata.find("memory=67108864B;33554432 "), std::string::npos);
}

TEST(CheckVerdictTest, TheWorstDecides) {
  Thresholds thresholds;
  thresholds.peers.warning = *Range::Parse("10");
  thresholds.edges.critical = *Range::Parse("3:");
  const CheckVerdict verdict = Evaluate(Healthy(), thresholds, kCheckedAt);
  EXPECT_EQ(verdict.state, CheckState::kCritical);
  EXPECT_EQ(verdict.ToLine().substr(0, 56),
            "CAIRN CRITICAL - 12 peers WARNING, 2 edges CRITICAL, 64.");
}

TEST(CheckVerdictTest, CertificatesWarnTwoWeeksAheadAndAreCriticalThreeDaysAhead) {
  const struct {
    absl::Duration left;
    CheckState state;
  } cases[] = {{absl::Hours(15 * 24), CheckState::kOk},
               {absl::Hours(13 * 24), CheckState::kWarning},
               {absl::Hours(2 * 24), CheckState::kCritical},
               {-absl::Hours(2), CheckState::kCritical}};
  for (const auto& one : cases) {
    v1::GetStatusResponse status = Healthy();
    status.set_tls_not_after_us(absl::ToUnixMicros(kCheckedAt + one.left));
    EXPECT_EQ(Evaluate(status, Thresholds(), kCheckedAt).state, one.state) << one.left;
  }
}

TEST(CheckVerdictTest, WithoutTlsThereIsNoCertificateToSpeakOf) {
  v1::GetStatusResponse status = Healthy();
  status.set_tls_not_after_us(0);
  const CheckVerdict verdict = Evaluate(status, Thresholds(), kCheckedAt);
  EXPECT_EQ(verdict.state, CheckState::kOk);
  EXPECT_EQ(verdict.ToLine().find("certificate"), std::string::npos);
}

TEST(CheckVerdictTest, ABarInTheTextDoesNotBeginPerformanceData) {
  EXPECT_EQ((CheckVerdict{CheckState::kUnknown, "a | b", ""}).ToLine(), "CAIRN UNKNOWN - a / b");
}

TEST(CheckVerdictTest, JsonHasTheSameParts) {
  EXPECT_EQ((CheckVerdict{CheckState::kWarning, "a \"b\"", "x=1"}).ToJson(),
            R"({"state":"WARNING","text":"a \"b\"","perfdata":"x=1"})");
}

}  // namespace
}  // namespace cairn::admin
