// What an edge is composed of, as Options say: its own options, and its links to a core in another
// process.
//
// Errors: a Status that names the option, and says what to do.
#ifndef CAIRN_SERVER_EDGE_SETUP_H_
#define CAIRN_SERVER_EDGE_SETUP_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "edge/edge.h"
#include "server/grpc_link_factory.h"
#include "server/options.h"

namespace cairn::server {

// All but its socket and what it calls.
absl::StatusOr<edge::EdgeOptions> LoadEdgeOptions(const Options& options,
                                                  const std::string& edge_name);

// `seed` differs between processes. `clock` must outlive the links.
absl::StatusOr<std::unique_ptr<GrpcLinkFactory>> LoadLinks(const Options& options,
                                                           const std::string& edge_name,
                                                           uint64_t seed, const Clock& clock);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_EDGE_SETUP_H_
