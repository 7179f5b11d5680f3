#include "base/tls_settings.h"

#include <openssl/err.h>

namespace cairn {

SslContextPtr NewTlsContext(const SSL_METHOD* method) {
  ERR_clear_error();
  SslContextPtr result(SSL_CTX_new(method));
  SSL_CTX* context = result.get();
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Session tickets suffice for resumption; a server-side cache would grow with every client.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return result;
}

bool UseChain(SSL_CTX* context, const PemIdentity& identity) {
  for (size_t i = 0; i < identity.chain.size(); ++i) {
    X509* one = identity.chain[i].get();
    const bool used = i == 0 ? SSL_CTX_use_certificate(context, one) == 1
                             : SSL_CTX_add1_chain_cert(context, one) == 1;
    if (!used) return false;
  }
  return true;
}

bool UseKey(SSL_CTX* context, const PemIdentity& identity) {
  return SSL_CTX_use_PrivateKey(context, identity.key.get()) == 1;
}

SslPtr NewServerConnection(SSL_CTX* context, int fd) {
  SslPtr ssl(SSL_new(context));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(ssl.get());
  return ssl;
}

std::string TakeTlsError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown error";
}

}  // namespace cairn
