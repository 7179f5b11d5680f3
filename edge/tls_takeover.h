// TlsTakeover: takes a connection out of OpenSSL's SSL once its handshake is done.
//
// OpenSSL makes the handshake: versions, key exchange, certificates, tickets. It reports the
// traffic secrets to a callback (SSL_CTX_set_keylog_callback(3)) and each record that it writes to
// another (SSL_CTX_set_msg_callback(3)): with these, TlsRecords can go on, and SSL, of which an
// idle connection needs nothing else, can be freed.
//
// Thread: of each connection's own.
// Errors: none: a connection that cannot be taken stays with its SSL.
// Source: OpenSSL 3.0; labels of the secrets: draft-ietf-tls-keylogfile.
#ifndef CAIRN_EDGE_TLS_TAKEOVER_H_
#define CAIRN_EDGE_TLS_TAKEOVER_H_

#include <openssl/ssl.h>

#include <memory>

#include "edge/tls_records.h"

namespace cairn::edge {

class TlsTakeover {
 public:
  // Connections of `context` can be taken. Before any of them is made.
  static void Prepare(SSL_CTX* context);

  // What goes on in place of `ssl`, a server's whose handshake has just succeeded; the caller frees
  // it. Null: `ssl` must go on itself, because it is of a context that is not prepared, TLS 1.2, of
  // another cipher suite, of a client that wants short records, or has begun to read the next one.
  static std::unique_ptr<TlsRecords> Take(const SSL* ssl);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_TLS_TAKEOVER_H_
