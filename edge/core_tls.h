// CoreTls: an edge's side of mutual TLS with its core: its certificate, and the CA that the core's
// must come from.
//
// The core's certificate must be issued by the CA and name the host that was connected to. By ALPN
// an edge asks for a connection that carries nothing but a lane (link::kLaneProtocol), or for
// HTTP/2, which is all that a proxy in between knows.
//
// Owner:  the composition (server/credentials.h), shared with connectors; replaced on SIGHUP.
// Thread: immutable after construction.
// Errors: a Status with OpenSSL's reason.
// Source: RFC 8446, RFC 9113 section 9.2; TLS 1.2 is the minimum.
#ifndef CAIRN_EDGE_CORE_TLS_H_
#define CAIRN_EDGE_CORE_TLS_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <utility>

#include "base/pem.h"
#include "base/tls_settings.h"

namespace cairn::edge {

class CoreTls {
 public:
  // `authority`: PEM, of one or more certificates.
  static absl::StatusOr<std::shared_ptr<const CoreTls>> Make(const PemIdentity& identity,
                                                             const std::string& authority);

  // A client-side connection over the non-blocking socket `fd`, which it does not own, to a server
  // whose certificate must name `name`: a host or an IP address. Null when out of memory.
  SslPtr NewConnection(int fd, const std::string& name) const;
  // After the handshake: whether HTTP/2 was agreed on.
  static bool SpeaksHttp2(const SSL& ssl);

 private:
  explicit CoreTls(SslContextPtr context) : context_(std::move(context)) {}

  SslContextPtr context_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_TLS_H_
