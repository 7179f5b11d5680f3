// TLS settings that servers and clients of ours share.
//
// Thread: any; errors are OpenSSL's queue of the calling thread.
// Source: RFC 8446 and RFC 5246; TLS 1.2 is the minimum.
#ifndef CAIRN_BASE_TLS_SETTINGS_H_
#define CAIRN_BASE_TLS_SETTINGS_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/pem.h"

namespace cairn {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;
using SslContextPtr = std::unique_ptr<SSL_CTX, SslDeleter>;

// Null when out of memory. `method`: TLS_server_method() or TLS_client_method().
SslContextPtr NewTlsContext(const SSL_METHOD* method);

// The certificate that the context presents. On false, TakeTlsError() has the reason.
bool UseChain(SSL_CTX* context, const PemIdentity& identity);
bool UseKey(SSL_CTX* context, const PemIdentity& identity);  // after its chain

// A server-side connection over the non-blocking socket `fd`, which it does not own. Null when out
// of memory.
SslPtr NewServerConnection(SSL_CTX* context, int fd);

// A client-side connection over the non-blocking socket `fd`, which it does not own, to a server
// whose certificate must name `name`: a host or an IP address. Null when out of memory.
SslPtr NewClientConnection(SSL_CTX* context, int fd, const std::string& name);
// Why a client's handshake on this thread has just failed; `server`: "the core", in a sentence.
std::string HandshakeFailure(const SSL& ssl, std::string_view server);

// Peers' certificates must be issued by one of these authorities: PEM. False: there is none.
bool TrustAuthorities(SSL_CTX* context, const std::string& authorities);

// The last reason of OpenSSL's on this thread, which is then forgotten.
std::string TakeTlsError();

}  // namespace cairn

#endif  // CAIRN_BASE_TLS_SETTINGS_H_
