// Loads the tokens and certificates that Options name, and checks that they make sense together.
//
// Errors: a Status whose text names the option and says what to do. No secret is ever in one.
#ifndef CAIRN_SERVER_CREDENTIALS_H_
#define CAIRN_SERVER_CREDENTIALS_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "base/bearer_tokens.h"
#include "base/tls_context.h"
#include "core/authority.h"
#include "core/grpc_server.h"
#include "edge/core_tls.h"
#include "server/options.h"

namespace cairn::server {

// What clients must present; nothing required when no token is configured.
absl::StatusOr<BearerTokens> LoadClientTokens(const Options& options);
// The clients' port; null for plaintext.
absl::StatusOr<std::shared_ptr<const TlsContext>> LoadClientTls(const Options& options);

// The core's port: who may open lanes, steer, and look.
absl::StatusOr<core::AuthorityTokens> LoadAuthorityTokens(const Options& options);
// Between edge and core, either side's: empty without mutual TLS.
absl::StatusOr<core::GrpcTls> LoadGrpcTls(const Options& options);
// Refuses a port that others can reach and that asks for no credential.
absl::Status CheckGrpcExposure(const Options& options);
// Whether others than this machine can reach the gRPC port, and it has tokens but no TLS.
bool PassesTokensInPlainText(const Options& options);

// The edge's side of the same: the token it presents ("" for none), and its TLS (null for
// plaintext).
absl::StatusOr<std::string> LoadEdgeToken(const Options& options);
// The same again, for an edge that has its name already.
absl::StatusOr<std::string> ReloadEdgeToken(const Options& options, const std::string& edge_name);
// The edge's name: what was given, or what its credential is bound to, or the default.
absl::StatusOr<std::string> EdgeNameOf(const Options& options);
absl::StatusOr<std::shared_ptr<const edge::CoreTls>> LoadCoreTls(const Options& options);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CREDENTIALS_H_
