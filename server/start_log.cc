#include "server/start_log.h"

#include <absl/strings/str_cat.h>

#include "base/log.h"

namespace cairn::server {

void LogClientsPort(const SocketAddress& address, bool has_tls, bool open_to_all,
                    const Options& options) {
  log::Info(log::Edge(), "listening",
            {{"url", absl::StrCat(has_tls ? "wss://" : "ws://", address.ToString())},
             {"role", Name(options.role)},
             {"threads", options.threads},
             {"version", CAIRN_VERSION}});
  if (!open_to_all || address.IsLoopback()) return;
  const std::string hint =
      absl::StrCat(has_tls ? "" : "no TLS, and ",
                   "everybody who reaches this port may use it; set --auth-token");
  log::Warn(log::Edge(), "open_to_all", {{"hint", log::Text(hint)}});
}

void LogGrpcPort(const std::string& address) {
  log::Info(log::Core(), "listening", {{"grpc", address}, {"version", CAIRN_VERSION}});
}

void LogGrpcFailure(const std::string& failure) {
  log::Warn(log::Core(), "grpc_not_listening",
            {{"error", log::Text(failure)},
             {"hint", log::Text("cairn-admin cannot reach this process")}});
}

void LogOpsPort(const SocketAddress& address) {
  log::Info(log::Server(), "listening", {{"ops", address.ToString()}, {"version", CAIRN_VERSION}});
}

}  // namespace cairn::server
