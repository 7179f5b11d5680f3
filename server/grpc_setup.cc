#include "server/grpc_setup.h"

#include <utility>

#include "base/log.h"
#include "server/credentials.h"

namespace cairn::server {

absl::StatusOr<core::GrpcOptions> LoadGrpcOptions(const Options& options) {
  absl::StatusOr<core::AuthorityTokens> tokens = LoadAuthorityTokens(options);
  if (!tokens.ok()) return tokens.status();
  core::GrpcOptions grpc_options;
  grpc_options.address = options.grpc_listen_address;
  grpc_options.tokens = *std::move(tokens);
  absl::StatusOr<core::GrpcTls> tls = LoadGrpcTls(options);
  if (!tls.ok()) return tls.status();
  grpc_options.tls = *std::move(tls);
  grpc_options.version = CAIRN_VERSION;
  grpc_options.name = options.core_name;
  if (PassesTokensInPlainText(options)) {
    log::Warn(log::Core(), "grpc_in_plain_text",
              {{"hint", log::Text("anybody on the network path can read tokens and relays; set "
                                  "--grpc-tls-cert, -key and -ca")}});
  }
  return grpc_options;
}

}  // namespace cairn::server
