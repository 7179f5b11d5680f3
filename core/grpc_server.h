// GrpcServer: the core's gRPC port.
//
// Owner:  the composition (server/core_role.h).
// Thread: the composition's; calls run on gRPC's own threads.
// Errors: UNAVAILABLE when the address cannot be listened on.
#ifndef CAIRN_CORE_GRPC_SERVER_H_
#define CAIRN_CORE_GRPC_SERVER_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "core/authority.h"
#include "core/connection_refusal.h"
#include "core/core.h"

namespace cairn::core {

class Fleet;
class LaneTls;
class PortGuest;

// Mutual TLS, as checked PEM text: every client must present a certificate of this CA. All three or
// none.
struct GrpcTls {
  std::string cert, key, ca;
  std::shared_ptr<const RevocationList> revoked;  // null: none is
  // The same for lanes; null: gRPC serves them.
  std::shared_ptr<const LaneTls> lanes;

  bool on() const { return !cert.empty(); }
};

struct GrpcOptions {
  // "IP:port" or "unix:PATH".
  std::string address;
  AuthorityTokens tokens;
  GrpcTls tls;
  std::string version;  // of the program
  std::string name;     // of the core, for operators
  // Must outlive the server; null: none.
  Fleet* fleet = nullptr;
  PortGuest* guest = nullptr;  // of the lanes' thread
};

class GrpcServer {
 public:
  // `core` must outlive the server.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcOptions& options, Core& core);
  // Ends every call; the lanes reconnect later, or to another core.
  ~GrpcServer();

  // As given, with the real port where 0 was requested.
  const std::string& address() const { return address_; }

  // For new calls; open lanes and feeds end if they are not allowed any more. Returns how many did.
  size_t SetTokens(AuthorityTokens tokens);
  // For new connections; the same for calls whose certificate is not of the CA. REQUIRES: tls.on()
  // is the same as at the start.
  size_t SetTls(GrpcTls tls);

  // Connections that were ended before their first call was allowed. Any thread.
  ConnectionRefusalValues RefusedConnections() const;

 private:
  struct Parts;
  GrpcServer();

  std::string address_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_SERVER_H_
