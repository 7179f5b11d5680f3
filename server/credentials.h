// Loads the tokens and certificates that Options name, and checks that they are consistent.
//
// Errors: a Status that names the option and says what to do. It never contains a secret.
#ifndef CAIRN_SERVER_CREDENTIALS_H_
#define CAIRN_SERVER_CREDENTIALS_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "base/bearer_tokens.h"
#include "core/authority.h"
#include "core/grpc_server.h"
#include "edge/core_tls.h"
#include "edge/tls_context.h"
#include "server/options.h"

namespace cairn::server {

// Whether the options fit each other, whatever the files hold. Refuses a gRPC port that other
// machines can reach and that requires no credential. The functions below rely on it.
absl::Status CheckCredentialOptions(const Options& options);

// What clients must present; nothing required when no token is configured.
absl::StatusOr<BearerTokens> LoadClientTokens(const Options& options);
// For the clients' port; null: no TLS.
absl::StatusOr<std::shared_ptr<const edge::TlsContext>> LoadClientTls(const Options& options);

// For the core's port: who may open lanes, change things, and read.
absl::StatusOr<core::AuthorityTokens> LoadAuthorityTokens(const Options& options);
// Of either side of a link between edge and core: empty without mutual TLS.
absl::StatusOr<core::GrpcTls> LoadGrpcTls(const Options& options);
// What a core needs for NATS. Each connection to it reads these files anew.
absl::Status CheckMeshFiles(const Options& options);
// Whether other machines can reach the gRPC port, and it has tokens but no TLS.
bool PassesTokensInPlainText(const Options& options);

// The edge's side: the token that it presents ("" for none), and its TLS (null for plaintext).
absl::StatusOr<std::string> LoadEdgeToken(const Options& options);
// The same when the edge's name is already known.
absl::StatusOr<std::string> ReloadEdgeToken(const Options& options, const std::string& edge_name);
// The edge's name: the one given, or the one that its credential is bound to, or the default.
absl::StatusOr<std::string> EdgeNameOf(const Options& options);
absl::StatusOr<std::shared_ptr<const edge::CoreTls>> LoadCoreTls(const Options& options);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CREDENTIALS_H_
