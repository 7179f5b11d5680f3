#include "base/tls_context.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <openssl/err.h>

#include "base/pem.h"

namespace cairn {
namespace {

// For example a key that is too short (SSL_CTX_set_security_level(3)).
absl::Status Unusable(const std::string& path) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return absl::InvalidArgumentError(
      absl::StrCat("'", path, "' cannot be used for TLS: ", reason ? reason : "unknown error"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Load(
    const std::string& cert_chain_path, const std::string& key_path) {
  absl::StatusOr<PemIdentity> identity = PemIdentity::Load(cert_chain_path, key_path);
  if (!identity.ok()) return identity.status();
  ERR_clear_error();
  std::shared_ptr<TlsContext> result(new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* context = result->context_.get();
  if (!context) return absl::ResourceExhaustedError("out of memory for a TLS context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Session tickets suffice for resumption; a server-side cache would grow with every client.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  for (size_t i = 0; i < identity->chain.size(); ++i) {
    X509* one = identity->chain[i].get();
    const bool used = i == 0 ? SSL_CTX_use_certificate(context, one) == 1
                             : SSL_CTX_add1_chain_cert(context, one) == 1;
    if (!used) return Unusable(cert_chain_path);
  }
  if (SSL_CTX_use_PrivateKey(context, identity->key.get()) != 1) return Unusable(key_path);
  tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &end) == 1) {
    result->not_after_ = absl::FromTM(end, absl::UTCTimeZone());
  }
  return std::shared_ptr<const TlsContext>(std::move(result));
}

SslPtr TlsContext::NewServerConnection(int fd) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace cairn
