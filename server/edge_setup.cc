#include "server/edge_setup.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "edge/core_failback.h"
#include "edge/core_order.h"
#include "edge/core_target.h"
#include "server/credentials.h"

namespace cairn::server {

absl::StatusOr<edge::EdgeOptions> LoadEdgeOptions(const Options& options,
                                                  const std::string& edge_name) {
  edge::EdgeOptions edge_options;
  edge_options.listen_address = options.listen_address;
  edge_options.takes_over = options.role == Role::kAll;
  edge_options.serves_later = edge_options.takes_over && !options.mesh.urls.empty();
  edge_options.loops = options.threads;
  edge_options.name = edge_name;
  edge_options.version = CAIRN_VERSION;
  edge_options.limits = options.limits;
  edge_options.proxy_trust = options.proxy_trust;
  edge_options.log_peers = options.log_peers;
  absl::StatusOr<std::shared_ptr<const edge::TlsContext>> tls = LoadClientTls(options);
  if (!tls.ok()) return tls.status();
  edge_options.tls = *std::move(tls);
  absl::StatusOr<BearerTokens> tokens = LoadClientTokens(options);
  if (!tokens.ok()) return tokens.status();
  edge_options.tokens = *std::move(tokens);
  return edge_options;
}

absl::StatusOr<std::unique_ptr<GrpcLinkFactory>> LoadLinks(const Options& options,
                                                           const std::string& edge_name,
                                                           uint64_t seed, const Clock& clock) {
  GrpcLinkFactory::StreamOptions stream_options;
  const edge::CoreOrder order(options.core_choice, edge_name);
  std::vector<edge::CoreTarget> targets;
  for (const std::string& core : options.cores) {
    absl::StatusOr<edge::CoreTarget> target = edge::CoreTarget::Parse(core);
    if (!target.ok())
      return absl::InvalidArgumentError(absl::StrCat("--core: ", target.status().message()));
    targets.push_back(*std::move(target));
  }
  absl::StatusOr<std::shared_ptr<const edge::CoreTls>> tls = LoadCoreTls(options);
  if (!tls.ok()) return tls.status();
  absl::StatusOr<std::string> token = LoadEdgeToken(options);
  if (!token.ok()) return token.status();
  stream_options.targets = order.Of(std::move(targets));
  stream_options.order = order;
  stream_options.failback = std::make_shared<edge::CoreFailback>(clock, seed);
  stream_options.tls = *std::move(tls);
  stream_options.token = *std::move(token);
  stream_options.version = CAIRN_VERSION;
  edge::LaneLink::Options link_options;
  link_options.window = std::min(link_options.window, options.limits.max_backlog_bytes);
  return std::make_unique<GrpcLinkFactory>(std::move(stream_options), link_options, clock);
}

}  // namespace cairn::server
