// TlsContext: the certificate chain and key for clients, loaded and matched; creates server-side
// connections, which TlsTakeover can take from OpenSSL after their handshake.
//
// Thread: immutable after construction.
// Errors: a Status that names the file and what is wrong with it.
// Source: RFC 8446 and RFC 5246; TLS 1.2 is the minimum, ALPN is not offered.
#ifndef CAIRN_EDGE_TLS_CONTEXT_H_
#define CAIRN_EDGE_TLS_CONTEXT_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <utility>

#include "base/tls_settings.h"

namespace cairn::edge {

class TlsContext {
 public:
  // Both PEM. The key may be PKCS#8, SEC1 or PKCS#1.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Load(const std::string& cert_chain_path,
                                                                const std::string& key_path);

  // A server-side connection over the non-blocking socket `fd`, which it does not own. Its read and
  // write buffers are released while idle (SSL_MODE_RELEASE_BUFFERS). Null when out of memory.
  SslPtr NewServerConnection(int fd) const;

  // When the certificate expires.
  absl::Time not_after() const { return not_after_; }

 private:
  explicit TlsContext(SslContextPtr context) : context_(std::move(context)) {}

  SslContextPtr context_;
  absl::Time not_after_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_TLS_CONTEXT_H_
