// What a server's certificate says, and what is wrong with it.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PROBE_TLS_H_
#define CAIRN_ADMIN_CLI_PROBE_TLS_H_

#include <openssl/ssl.h>

#include <string>

#include "admin-cli/probe/network.h"

namespace cairn::admin {

// Called before the handshake. Sets the name to request (SNI), and the name or address that the
// certificate must have.
void ExpectHost(SSL* ssl, const std::string& host);

// Called after the handshake. `verify_error`: the first X509_V_ERR_* of the chain, or X509_V_OK.
TlsFacts InspectTls(SSL* ssl, int verify_error, const std::string& host);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_TLS_H_
