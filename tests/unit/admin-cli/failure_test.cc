#include "admin-cli/failure.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

TEST(FailureTest, EachKindHasItsExitCode) {
  const std::pair<absl::Status, ExitCode> cases[] = {
      {absl::UnavailableError("x"), kUnreachable},
      {absl::DeadlineExceededError("x"), kUnreachable},
      {absl::UnauthenticatedError("x"), kCredentialRefused},
      {absl::PermissionDeniedError("x"), kCredentialRefused},
      {absl::NotFoundError("x"), kNothingMatched},
      {absl::InvalidArgumentError("x"), kBadUsage},
      {absl::UnimplementedError("x"), kCoreFailed},
      {absl::InternalError("x"), kCoreFailed},
      {absl::ResourceExhaustedError("x"), kCoreFailed},
  };
  for (const auto& [status, code] : cases)
    EXPECT_EQ(Explain(status, "here").exit_code, code) << status;
}

TEST(FailureTest, ARefusedConnectionSaysWhatToLookAt) {
  const absl::Status status = absl::UnavailableError(
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:7443: Failed to "
      "connect to remote host: "
      "Connection refused");
  EXPECT_EQ(Explain(status, "127.0.0.1:7443").text,
            "cannot reach the core at 127.0.0.1:7443: Connection refused; is it running, and is "
            "--core right?");
}

TEST(FailureTest, ACertificateThatIsNotTrustedIsNotCalledAnOutage) {
  const absl::Status status =
      absl::UnavailableError("x: Ssl handshake failed: SSL_ERROR_SSL: CERTIFICATE_VERIFY_FAILED");
  EXPECT_NE(Explain(status, "core").text.find("is --tls-ca right?"), std::string::npos);
}

TEST(FailureTest, TheTextIsOnePrintableLine) {
  const std::string text = Explain(absl::InternalError("first\nsecond\x1b[31m"), "core").text;
  EXPECT_EQ(text.find_first_of("\n\x1b"), std::string::npos) << text;
}

}  // namespace
}  // namespace cairn::admin
