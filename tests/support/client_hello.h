// ClientHello: the first bytes of a TLS client, as a test may send them in parts.
#ifndef CAIRN_TESTS_SUPPORT_CLIENT_HELLO_H_
#define CAIRN_TESTS_SUPPORT_CLIENT_HELLO_H_

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <string>

#include "base/tls_settings.h"

namespace cairn {

// One record.
inline std::string ClientHello(int version = TLS1_3_VERSION) {
  const SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(context.get(), version);
  const SslPtr client(SSL_new(context.get()));
  BIO* const said = BIO_new(BIO_s_mem());
  SSL_set_bio(client.get(), BIO_new(BIO_s_mem()), said);
  SSL_set_connect_state(client.get());
  SSL_do_handshake(client.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(said, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_CLIENT_HELLO_H_
