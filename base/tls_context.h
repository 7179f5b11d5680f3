// TlsContext: a server's certificate chain and key, loaded and matched; creates server-side
// connections.
//
// Thread: immutable after construction.
// Errors: a Status that names the file and what is wrong with it.
// Source: RFC 8446 and RFC 5246; TLS 1.2 is the minimum, ALPN is not offered.
#ifndef CAIRN_BASE_TLS_CONTEXT_H_
#define CAIRN_BASE_TLS_CONTEXT_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace cairn {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

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
  explicit TlsContext(SSL_CTX* context) : context_(context) {}

  std::unique_ptr<SSL_CTX, SslDeleter> context_;
  absl::Time not_after_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_TLS_CONTEXT_H_
