#include "admin-cli/commands/failure.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

Failure ExplainAt(const char* core, const absl::Status& status) {
  ConnectionOptions connection;
  connection.core = core;
  return Explain(status, connection);
}

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
    EXPECT_EQ(ExplainAt("here", status).exit_code, code) << status;
}

TEST(FailureTest, ARefusedConnectionHasAHint) {
  const absl::Status status = absl::UnavailableError(
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:7443: Failed to "
      "connect to remote host: "
      "Connection refused");
  EXPECT_EQ(ExplainAt("127.0.0.1:7443", status).text,
            "cannot reach the core at 127.0.0.1:7443: Connection refused; is it running, and is "
            "--core right?");
}

TEST(FailureTest, TlsThatDoesNotFitIsNotCalledAnOutage) {
  const std::pair<const char*, const char*> cases[] = {
      {"last error: UNKNOWN: Ssl handshake failed: SSL_ERROR_SSL",
       "is the authority in --tls-ca its certificate's?"},
      {"last error: UNKNOWN: Peer name x is not in peer certificate",
       "give that as --tls-server-name"},
      {"Socket closed", "does it want TLS"},
  };
  for (const auto& [message, words] : cases) {
    EXPECT_NE(ExplainAt("core", absl::UnavailableError(message)).text.find(words),
              std::string::npos)
        << message;
  }
}

TEST(FailureTest, ACoreThatClosesATlsConnectionIsNotSaidToWantTls) {
  ConnectionOptions connection;
  connection.tls_ca = "ca.pem";
  const std::string text = Explain(absl::UnavailableError("Socket closed"), connection).text;
  EXPECT_EQ(text.find("want TLS"), std::string::npos) << text;
  EXPECT_NE(text.find("does it refuse our certificate (--tls-cert)?"), std::string::npos) << text;
}

TEST(FailureTest, TheTextIsOnePrintableLine) {
  const std::string text = ExplainAt("core", absl::InternalError("first\nsecond\x1b[31m")).text;
  EXPECT_EQ(text.find_first_of("\n\x1b"), std::string::npos) << text;
}

}  // namespace
}  // namespace cairn::admin
