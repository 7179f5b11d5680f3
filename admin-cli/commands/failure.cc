#include "admin-cli/commands/failure.h"

#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include <algorithm>

#include "admin-cli/printing/printable.h"
#include "admin-cli/printing/version.h"

namespace cairn::admin {
namespace {

std::string OneLine(absl::string_view message) {
  std::string text(message);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return Printable(std::string(absl::StripAsciiWhitespace(text)));
}

// gRPC's message about a failed connection, without the prefix that all such messages have: "failed
// to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:7443: Failed to connect to
// remote host: Connection refused".
std::string ConnectionError(const std::string& message, bool tls) {
  const auto says = [&message](const char* words) { return message.find(words) != message.npos; };
  if (says("Peer name"))
    return "its certificate is for another name: give that as --tls-server-name";
  if (says("handshake failed"))
    return "the TLS handshake failed: is the authority in --tls-ca its certificate's?";
  if (says("Socket closed")) {
    return tls ? "it closed the connection: has it ended, or does it refuse our certificate "
                 "(--tls-cert)?"
               : "it closed the connection: has it ended, or does it want TLS (--tls-ca, "
                 "--tls-cert, --tls-key)?";
  }
  const size_t last = message.rfind(": ");
  return fmt::format("{}; is it running, and is --core right?",
                     last == message.npos ? message : message.substr(last + 2));
}

}  // namespace

Failure Explain(const absl::Status& status, const ConnectionOptions& connection) {
  const std::string& core = connection.core;
  const std::string message = OneLine(status.message());
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return {kUnreachable, fmt::format("cannot reach the core at {}: {}", core,
                                        ConnectionError(message, connection.wants_tls()))};
    case absl::StatusCode::kDeadlineExceeded:
      return {
          kUnreachable,
          fmt::format("the core at {} does not answer: look at its log, or raise --timeout", core)};
    case absl::StatusCode::kUnauthenticated:
      return {kCredentialRefused,
              fmt::format(
                  "the core refuses the credential: {}; give one with --token-file or --tls-cert",
                  message)};
    case absl::StatusCode::kPermissionDenied:
      return {kCredentialRefused,
              fmt::format("the credential does not suffice: {}; give another with --token-file or "
                          "--tls-cert",
                          message)};
    case absl::StatusCode::kNotFound:
      return {kNothingMatched, message};
    case absl::StatusCode::kInvalidArgument:
      return {kBadUsage, message};
    case absl::StatusCode::kUnimplemented:
      return {kCoreFailed,
              fmt::format(
                  "the core at {} does not know this call: is it a core, and as new as version {}?",
                  core, kVersion)};
    default:
      return {kCoreFailed, fmt::format("the core failed: {} ({}): look at its log", message,
                                       absl::StatusCodeToString(status.code()))};
  }
}

}  // namespace cairn::admin
