// What SIGHUP does: tokens and certificates are read again and handed to the parts of the process
// that use them.
//
// Thread: main's.
// Errors: a file that cannot be read is logged and counted; the old content stays in use.
#ifndef CAIRN_SERVER_RELOAD_H_
#define CAIRN_SERVER_RELOAD_H_

#include <string>

#include "core/grpc_server.h"
#include "edge/edge.h"
#include "server/grpc_link_factory.h"
#include "server/ops.h"
#include "server/options.h"

namespace cairn::server {

// The parts of the process that use credentials; null: this process has no such part.
struct CredentialUsers {
  edge::Edge* edge;
  core::GrpcServer* grpc_server;
  GrpcLinkFactory* links;
  Ops* ops;  // counts failures
  const std::string& edge_name;
};

void ReloadCredentials(const Options& options, const CredentialUsers& users);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_RELOAD_H_
