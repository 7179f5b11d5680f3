// ConnectionOptions: how to reach the core, and the credentials for it.
#ifndef CAIRN_ADMIN_CLI_RPC_CONNECTION_OPTIONS_H_
#define CAIRN_ADMIN_CLI_RPC_CONNECTION_OPTIONS_H_

#include <absl/time/time.h>

#include <string>

namespace cairn::admin {

struct ConnectionOptions {
  std::string core = "127.0.0.1:7443";  // HOST, HOST:PORT or unix:PATH
  std::string token;
  std::string token_file;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_server_name;
  bool insecure = false;  // the token may cross a network without TLS
  absl::Duration timeout = absl::Seconds(5);
  std::string on;  // name or id of the only core of the fleet to ask; "": all

  bool wants_tls() const {
    return !tls_ca.empty() || !tls_cert.empty() || !tls_server_name.empty();
  }
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_CONNECTION_OPTIONS_H_
