#include "server/credentials.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <utility>

#include "base/host_port.h"
#include "base/log.h"
#include "base/pem.h"
#include "base/revocation_list.h"
#include "core/lane_tls.h"
#include "core/nats_tls.h"
#include "core/nats_user.h"

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
  pair = CheckPair("--grpc-tls-cert", options.grpc_tls_cert, "--grpc-tls-ca", options.grpc_tls_ca);
  if (!pair.ok() || options.grpc_tls_crl.empty()) return pair;
  if (options.role == Role::kEdge)
    return absl::InvalidArgumentError("--grpc-tls-crl is for the core, which checks its callers");
  if (!options.grpc_tls_ca.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--grpc-tls-crl is given without --grpc-tls-ca, whose certificates it revokes");
}

// Refuses a port that other machines can reach and that requires no credential.
absl::Status CheckGrpcExposure(const Options& options) {
  const std::string& address = options.grpc_listen_address;
  if (absl::StartsWith(address, "unix:"))
    return Prefixed("--grpc-listen-addr", CheckGrpcTarget(address));
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(address);
  if (!parsed.ok()) return Prefixed("--grpc-listen-addr", parsed.status(), " nor unix:PATH");
  const bool guarded = !options.grpc_tls_cert.empty() || !options.grpc_edge_token_file.empty() ||
                       !options.grpc_operator_token_file.empty() ||
                       !options.grpc_viewer_token_file.empty();
  if (parsed->IsLoopback() || guarded || options.grpc_insecure) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--grpc-listen-addr ", address,
      " can be reached from elsewhere but asks for no credential: give --grpc-tls-cert, "
      "-key and -ca, or --grpc-edge-token-file and --grpc-operator-token-file; or listen on "
      "loopback or unix:PATH; or "
      "say --grpc-insecure where the network itself keeps others out"));
}

absl::StatusOr<BearerTokens> ClientToken(const Options& options) {
  absl::StatusOr<BearerTokens> tokens = BearerTokens::FromToken(*options.auth_token);
  if (!tokens.ok())
    return Prefixed("--auth-token", tokens.status(), "; leave it out to let everybody in");
  return tokens;
}

absl::Status CheckClientsPort(const Options& options) {
  if (options.auth_token && !options.auth_token_file.empty())
    return absl::InvalidArgumentError("give --auth-token or --auth-token-file, not both");
  if (options.auth_token) {
    if (const auto token = ClientToken(options); !token.ok()) return token.status();
  }
  return absl::OkStatus();
}

// Without a file: nothing.
absl::StatusOr<CredentialLine> FirstEdgeCredential(const Options& options) {
  if (options.grpc_edge_token_file.empty()) return CredentialLine();
  absl::StatusOr<CredentialLine> line = BearerTokens::FirstInFile(options.grpc_edge_token_file);
  if (!line.ok()) return Prefixed("--grpc-edge-token-file", line.status());
  return line;
}

// What either side of the link presents and trusts. Empty without mutual TLS.
struct GrpcPem {
  PemIdentity identity;
  std::string authority;
};

absl::StatusOr<GrpcPem> LoadGrpcPem(const Options& options) {
  GrpcPem pem;
  if (options.grpc_tls_cert.empty()) return pem;
  absl::StatusOr<PemIdentity> identity =
      PemIdentity::Load(options.grpc_tls_cert, options.grpc_tls_key);
  if (!identity.ok()) return Prefixed("--grpc-tls-cert, --grpc-tls-key", identity.status());
  absl::StatusOr<std::string> authority = LoadPemAuthority(options.grpc_tls_ca);
  if (!authority.ok()) return Prefixed("--grpc-tls-ca", authority.status());
  return GrpcPem{*std::move(identity), *std::move(authority)};
}

// It still revokes what it lists: ending the service because nobody made a new one helps nobody.
void WarnIfOutdated(const RevocationList& list) {
  if (list.next_update() > absl::Now()) return;
  log::Warn(log::Core(), "revocations_outdated",
            {{"next_update", absl::FormatTime(list.next_update(), absl::UTCTimeZone())},
             {"hint", log::Text("a newer CRL should be in --grpc-tls-crl; certificates revoked "
                                "since are accepted")}});
}

}  // namespace

absl::Status CheckCredentialOptions(const Options& options) {
  if (options.role != Role::kCore) {
    if (absl::Status clients = CheckClientsPort(options); !clients.ok()) return clients;
  }
  if (absl::Status tls = CheckGrpcTls(options); !tls.ok()) return tls;
  return options.role == Role::kEdge ? absl::OkStatus() : CheckGrpcExposure(options);
}

absl::StatusOr<BearerTokens> LoadClientTokens(const Options& options) {
  if (!options.auth_token_file.empty()) {
    absl::StatusOr<BearerTokens> tokens = BearerTokens::FromFile(options.auth_token_file);
    if (!tokens.ok()) return Prefixed("--auth-token-file", tokens.status());
    return tokens;
  }
  return options.auth_token ? ClientToken(options) : BearerTokens();
}

absl::StatusOr<std::shared_ptr<const edge::TlsContext>> LoadClientTls(const Options& options) {
  // Not bad usage, but a start that fails: the published server exits with 1.
  const absl::Status pair = CheckPair("--tls-cert (CAIRN_SIGNAL_TLS_CERT)", options.tls_cert,
                                      "--tls-key (CAIRN_SIGNAL_TLS_KEY)", options.tls_key);
  if (!pair.ok()) return pair;
  if (options.tls_cert.empty()) return std::shared_ptr<const edge::TlsContext>();
  absl::StatusOr<std::shared_ptr<const edge::TlsContext>> tls =
      edge::TlsContext::Load(options.tls_cert, options.tls_key);
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
    absl::StatusOr<BearerTokens> loaded =
        BearerTokens::FromFile(file.path, BearerTokens::Names::kAllowed);
    if (!loaded.ok()) return Prefixed(file.option, loaded.status());
    file.into = *std::move(loaded);
  }
  if (!options.grpc_allow_file.empty()) {
    absl::StatusOr<core::AllowedNames> names =
        core::AllowedNames::FromFile(options.grpc_allow_file);
    if (!names.ok()) return Prefixed("--grpc-allow-file", names.status());
    tokens.certificates = *std::move(names);
  }
  return tokens;
}

absl::StatusOr<core::GrpcTls> LoadGrpcTls(const Options& options) {
  core::GrpcTls tls;
  absl::StatusOr<GrpcPem> pem = LoadGrpcPem(options);
  if (!pem.ok()) return pem.status();
  tls.cert = std::move(pem->identity.chain_text);
  tls.key = std::move(pem->identity.key_text);
  tls.ca = std::move(pem->authority);
  if (!tls.on()) return tls;
  absl::StatusOr<std::shared_ptr<const core::LaneTls>> lanes = core::LaneTls::Make(tls);
  if (!lanes.ok()) return Prefixed("--grpc-tls-cert", lanes.status());
  tls.lanes = *std::move(lanes);
  if (options.grpc_tls_crl.empty()) return tls;
  absl::StatusOr<RevocationList> revoked = RevocationList::Load(options.grpc_tls_crl, tls.ca);
  if (!revoked.ok()) return Prefixed("--grpc-tls-crl", revoked.status());
  WarnIfOutdated(*revoked);
  tls.revoked = std::make_shared<const RevocationList>(*std::move(revoked));
  return tls;
}

absl::StatusOr<std::string> EdgeNameOf(const Options& options) {
  absl::StatusOr<CredentialLine> line = FirstEdgeCredential(options);
  if (!line.ok()) return line.status();
  if (line->name.empty() || line->name == options.edge_name) return options.edge_name;
  if (!options.edge_name_given) return std::move(line->name);
  return absl::InvalidArgumentError(absl::StrCat(
      "--grpc-edge-token-file: its first line is of the edge '", line->name,
      "', but --edge-name is '", options.edge_name, "'; give both the same, or leave one out"));
}

absl::Status CheckMeshFiles(const Options& options) {
  core::NatsOptions authority;
  authority.ca_file = options.mesh.ca_file;
  if (const auto trusted = core::NewNatsTls(authority); !trusted.ok())
    return Prefixed("--mesh-tls-ca", trusted.status());
  if (const auto tls = core::NewNatsTls(options.mesh); !tls.ok())
    return Prefixed("--mesh-tls-cert, --mesh-tls-key", tls.status());
  if (const auto user = core::NatsUser::Read(options.mesh); !user.ok()) {
    return Prefixed(options.mesh.nkey_file.empty() ? "--mesh-creds-file" : "--mesh-nkey-file",
                    user.status());
  }
  return absl::OkStatus();
}

bool PassesTokensInPlainText(const Options& options) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(options.grpc_listen_address);
  const bool tokens = !options.grpc_edge_token_file.empty() ||
                      !options.grpc_operator_token_file.empty() ||
                      !options.grpc_viewer_token_file.empty();
  return address.ok() && !address->IsLoopback() && tokens && options.grpc_tls_cert.empty();
}

absl::StatusOr<std::string> LoadEdgeToken(const Options& options) {
  absl::StatusOr<CredentialLine> line = FirstEdgeCredential(options);
  if (!line.ok()) return line.status();
  return std::move(line->value);
}

absl::StatusOr<std::string> ReloadEdgeToken(const Options& options, const std::string& edge_name) {
  absl::StatusOr<CredentialLine> line = FirstEdgeCredential(options);
  if (!line.ok()) return line.status();
  if (line->name.empty() || line->name == edge_name) return std::move(line->value);
  return absl::InvalidArgumentError(
      absl::StrCat("--grpc-edge-token-file: its first line is of the edge '", line->name,
                   "', and this one is '", edge_name, "' until it is restarted"));
}

absl::StatusOr<std::shared_ptr<const edge::CoreTls>> LoadCoreTls(const Options& options) {
  if (options.grpc_tls_cert.empty()) return std::shared_ptr<const edge::CoreTls>();
  const absl::StatusOr<GrpcPem> pem = LoadGrpcPem(options);
  if (!pem.ok()) return pem.status();
  auto tls = edge::CoreTls::Make(pem->identity, pem->authority);
  if (!tls.ok()) return Prefixed("--grpc-tls-cert, --grpc-tls-key, --grpc-tls-ca", tls.status());
  return tls;
}

}  // namespace cairn::server
