// Options: what the command line and the environment ask of cairn-signal.
//
// Flags win over CAIRN_SIGNAL_* variables, which win over defaults. docs/OPERATIONS.md and --help
// list them all; a test compares the two.
//
// Errors: ParseOptions() says in one line which option cannot stand and what to give instead.
#ifndef CAIRN_SERVER_OPTIONS_H_
#define CAIRN_SERVER_OPTIONS_H_

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/log.h"
#include "core/limits.h"
#include "core/nats_options.h"
#include "edge/core_order.h"
#include "edge/handshake.h"
#include "edge/limits.h"

namespace cairn::server {

enum class Role { kAll, kEdge, kCore };
// As --role takes it.
const char* Name(Role role);

struct Options {
  Role role = Role::kAll;
  SocketAddress listen_address;
  std::string tls_cert;
  std::string tls_key;
  std::optional<std::string> auth_token;
  std::string auth_token_file;
  // Core: the address that edges and operators connect to.
  std::string grpc_listen_address;
  bool grpc_listen_address_given = false;
  bool grpc_insecure = false;
  // Core: its certificate and the CA of its callers. Edge: its own certificate and the CA of the
  // core. All three or none.
  std::string grpc_tls_cert;
  std::string grpc_tls_key;
  std::string grpc_tls_ca;
  // Core: certificates of that CA that have been revoked; empty: none.
  std::string grpc_tls_crl;
  // Core: tokens of edges, operators and viewers. Edge: it presents the first line of its file.
  std::string grpc_edge_token_file;
  std::string grpc_operator_token_file;
  std::string grpc_viewer_token_file;
  // Core: names of certificates that are accepted; empty: all certificates of the CA that are named
  // as edges, operators and viewers are.
  std::string grpc_allow_file;
  // Edge: the addresses of its cores, as gRPC writes targets, as the operator prefers them.
  std::vector<std::string> cores;
  edge::CoreChoice core_choice = edge::CoreChoice::kOrdered;
  std::string edge_name;
  bool edge_name_given = false;
  // Core of a fleet: the bus that it shares with the others; no urls: it is alone. core_id is the
  // composition's.
  core::NatsOptions mesh;
  std::string core_name;
  int threads = 1;
  edge::ProxyTrust proxy_trust;
  // Health, readiness and metrics over HTTP; absent: off.
  std::optional<SocketAddress> ops_listen_address;
  LogFormat log_format = LogFormat::kText;
  bool log_peers = false;
  absl::Duration drain = absl::Seconds(2);
  edge::EdgeLimits limits;
  core::CoreLimits core_limits;
  // Do not serve: ask the process that serves with these options whether it is alive.
  bool health_check = false;
};

// What main() is to do next.
struct ParseResult {
  // Absent when there is nothing to run: --help, --version, or a mistake. Then exit with exit_code.
  std::optional<Options> options;
  int exit_code = 0;
};

// Prints help and version on stdout, errors on stderr. Overwrites the token in argv, so that a
// process list does not show it.
ParseResult ParseOptions(int argc, char** argv);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPTIONS_H_
