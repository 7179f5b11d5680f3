#include "server/credentials.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "base/pem.h"

namespace cairn::server {
namespace {

absl::Status Prefixed(const char* option, const absl::Status& status, const char* hint = "") {
  return absl::Status(status.code(), absl::StrCat(option, ": ", status.message(), hint));
}

absl::Status CheckPair(const char* first, const std::string& a, const char* second,
                       const std::string& b) {
  if (a.empty() == b.empty()) return absl::OkStatus();
  const char* given = a.empty() ? second : first;
  const char* missing = a.empty() ? first : second;
  return absl::InvalidArgumentError(
      absl::StrCat(given, " is given without ", missing, "; give both or neither"));
}

absl::Status CheckGrpcTls(const Options& options) {
  absl::Status pair =
      CheckPair("--grpc-tls-cert", options.grpc_tls_cert, "--grpc-tls-key", options.grpc_tls_key);
  if (!pair.ok()) return pair;
  return CheckPair("--grpc-tls-cert", options.grpc_tls_cert, "--grpc-tls-ca", options.grpc_tls_ca);
}

}  // namespace

absl::StatusOr<BearerTokens> LoadClientTokens(const Options& options) {
  if (options.auth_token && !options.auth_token_file.empty()) {
    return absl::InvalidArgumentError("give --auth-token or --auth-token-file, not both");
  }
  if (!options.auth_token_file.empty()) {
    absl::StatusOr<BearerTokens> tokens = BearerTokens::FromFile(options.auth_token_file);
    if (!tokens.ok()) return Prefixed("--auth-token-file", tokens.status());
    return tokens;
  }
  if (!options.auth_token) return BearerTokens();
  absl::StatusOr<BearerTokens> tokens = BearerTokens::FromToken(*options.auth_token);
  if (!tokens.ok())
    return Prefixed("--auth-token", tokens.status(), "; leave it out to let everybody in");
  return tokens;
}

absl::StatusOr<std::shared_ptr<const TlsContext>> LoadClientTls(const Options& options) {
  const absl::Status pair = CheckPair("--tls-cert (CAIRN_SIGNAL_TLS_CERT)", options.tls_cert,
                                      "--tls-key (CAIRN_SIGNAL_TLS_KEY)", options.tls_key);
  if (!pair.ok()) return pair;
  if (options.tls_cert.empty()) return std::shared_ptr<const TlsContext>();
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls =
      TlsContext::Load(options.tls_cert, options.tls_key);
  if (!tls.ok()) return Prefixed("--tls-cert, --tls-key", tls.status());
  return tls;
}

absl::StatusOr<core::AuthorityTokens> LoadAuthorityTokens(const Options& options) {
  core::AuthorityTokens tokens;
  const struct {
    const char* option;
    const std::string& path;
    BearerTokens& into;
  } files[] = {{"--grpc-edge-token-file", options.grpc_edge_token_file, tokens.edge},
               {"--grpc-operator-token-file", options.grpc_operator_token_file, tokens.operators},
               {"--grpc-viewer-token-file", options.grpc_viewer_token_file, tokens.viewers}};
  for (const auto& file : files) {
    if (file.path.empty()) continue;
    absl::StatusOr<BearerTokens> loaded = BearerTokens::FromFile(file.path);
    if (!loaded.ok()) return Prefixed(file.option, loaded.status());
    file.into = *std::move(loaded);
  }
  return tokens;
}

absl::StatusOr<core::GrpcTls> LoadGrpcTls(const Options& options) {
  if (absl::Status tls = CheckGrpcTls(options); !tls.ok()) return tls;
  core::GrpcTls tls;
  if (options.grpc_tls_cert.empty()) return tls;
  absl::StatusOr<PemIdentity> identity =
      PemIdentity::Load(options.grpc_tls_cert, options.grpc_tls_key);
  if (!identity.ok()) return Prefixed("--grpc-tls-cert, --grpc-tls-key", identity.status());
  absl::StatusOr<std::string> ca = LoadPemAuthority(options.grpc_tls_ca);
  if (!ca.ok()) return Prefixed("--grpc-tls-ca", ca.status());
  tls.cert = std::move(identity->chain_text);
  tls.key = std::move(identity->key_text);
  tls.ca = *std::move(ca);
  return tls;
}

absl::Status CheckGrpcExposure(const Options& options) {
  if (absl::Status tls = CheckGrpcTls(options); !tls.ok()) return tls;
  const std::string& address = options.grpc_listen_address;
  if (absl::StartsWith(address, "unix:")) return absl::OkStatus();
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(address);
  if (!parsed.ok()) return Prefixed("--grpc-listen-addr", parsed.status(), " nor unix:PATH");
  const bool guarded = !options.grpc_tls_cert.empty() || !options.grpc_edge_token_file.empty() ||
                       !options.grpc_operator_token_file.empty() ||
                       !options.grpc_viewer_token_file.empty();
  if (parsed->IsLoopback() || guarded || options.grpc_insecure) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "--grpc-listen-addr ", address,
      " can be reached from elsewhere but asks for no credential: give --grpc-tls-cert, "
      "-key and -ca, or --grpc-edge-token-file and --grpc-operator-token-file; or listen on "
      "loopback or unix:PATH; or "
      "say --grpc-insecure where the network itself keeps others out"));
}

bool PassesTokensInPlainText(const Options& options) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(options.grpc_listen_address);
  const bool tokens = !options.grpc_edge_token_file.empty() ||
                      !options.grpc_operator_token_file.empty() ||
                      !options.grpc_viewer_token_file.empty();
  return address.ok() && !address->IsLoopback() && tokens && options.grpc_tls_cert.empty();
}

absl::StatusOr<std::string> LoadEdgeToken(const Options& options) {
  if (options.grpc_edge_token_file.empty()) return std::string();
  absl::StatusOr<std::string> token = BearerTokens::FirstInFile(options.grpc_edge_token_file);
  if (!token.ok()) return Prefixed("--grpc-edge-token-file", token.status());
  return token;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> LoadChannelCredentials(
    const Options& options) {
  if (absl::Status tls = CheckGrpcTls(options); !tls.ok()) return tls;
  if (options.grpc_tls_cert.empty()) return grpc::InsecureChannelCredentials();
  absl::StatusOr<core::GrpcTls> tls = LoadGrpcTls(options);
  if (!tls.ok()) return tls.status();
  grpc::SslCredentialsOptions ssl;
  ssl.pem_cert_chain = tls->cert;
  ssl.pem_private_key = tls->key;
  ssl.pem_root_certs = tls->ca;
  return grpc::SslCredentials(ssl);
}

}  // namespace cairn::server
