#include "server/reload.h"

#include <absl/status/status.h>

#include <memory>
#include <utility>

#include "base/log.h"
#include "server/credentials.h"

namespace cairn::server {
namespace {

// `calls`: how many a reload has ended.
void LogEnded(size_t calls) {
  if (calls == 0) return;
  log::Warn(log::Core(), "credentials_revoked",
            {{"calls", calls},
             {"hint", log::Text("lanes and watches whose credential is no longer accepted were "
                                "ended")}});
}

void LogOutcome(const CredentialUsers& users, const char* what, const absl::Status& loaded,
                const char* hint = "the old stay in use") {
  if (loaded.ok()) return log::Info(log::Server(), "reloaded", {{"what", what}});
  if (users.ops) users.ops->CountReloadFailure();
  log::Error(log::Server(), "reload_failed",
             {{"what", what}, {"error", log::Text(loaded.message())}, {"hint", log::Text(hint)}});
}

// Hands what was loaded to `use`, or logs why it could not be loaded.
template <typename Loaded, typename Use>
void Apply(const CredentialUsers& users, const char* what, Loaded loaded, Use use) {
  const absl::Status status = loaded.status();
  if (status.ok()) use(*std::move(loaded));
  LogOutcome(users, what, status);
}

void ReloadClients(const Options& options, const CredentialUsers& users) {
  if (!options.auth_token_file.empty()) {
    Apply(users, "tokens", LoadClientTokens(options),
          [&users](BearerTokens tokens) { users.edge->SetTokens(std::move(tokens)); });
  }
  if (!options.tls_cert.empty()) {
    Apply(users, "tls", LoadClientTls(options),
          [&users](auto tls) { users.edge->SetTls(std::move(tls)); });
  }
}

void ReloadGrpcServer(const Options& options, const CredentialUsers& users) {
  Apply(users, "grpc_tokens", LoadAuthorityTokens(options), [&users](core::AuthorityTokens tokens) {
    LogEnded(users.grpc_server->SetTokens(std::move(tokens)));
  });
  if (options.grpc_tls_cert.empty()) return;
  Apply(users, "grpc_tls", LoadGrpcTls(options),
        [&users](core::GrpcTls tls) { LogEnded(users.grpc_server->SetTls(std::move(tls))); });
}

// Each connection to NATS reads them anew: this tells of a file that the next one cannot use.
void ReloadMesh(const Options& options, const CredentialUsers& users) {
  if (!options.mesh.names_files()) return;
  LogOutcome(users, "mesh", CheckMeshFiles(options),
             "the connection to NATS stays; another needs them");
}

void ReloadLinks(const Options& options, const CredentialUsers& users) {
  if (!options.grpc_edge_token_file.empty()) {
    Apply(users, "grpc_tokens", ReloadEdgeToken(options, users.edge_name),
          [&users](std::string token) { users.links->SetToken(std::move(token)); });
  }
  if (!options.grpc_tls_cert.empty()) {
    Apply(users, "grpc_tls", LoadCoreTls(options),
          [&users](auto tls) { users.links->SetTls(std::move(tls)); });
  }
}

}  // namespace

void ReloadCredentials(const Options& options, const CredentialUsers& users) {
  if (users.edge) ReloadClients(options, users);
  if (users.grpc_server) ReloadGrpcServer(options, users);
  if (users.links) ReloadLinks(options, users);
  ReloadMesh(options, users);
}

}  // namespace cairn::server
