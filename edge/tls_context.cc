#include "edge/tls_context.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <openssl/err.h>

#include "base/pem.h"
#include "edge/tls_takeover.h"

namespace cairn::edge {
namespace {

// For example a key that is too short (SSL_CTX_set_security_level(3)).
absl::Status Unusable(const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", path, "' cannot be used for TLS: ", TakeTlsError()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Load(
    const std::string& cert_chain_path, const std::string& key_path) {
  absl::StatusOr<PemIdentity> identity = PemIdentity::Load(cert_chain_path, key_path);
  if (!identity.ok()) return identity.status();
  SslContextPtr made = NewTlsContext(TLS_server_method());
  if (!made) return absl::ResourceExhaustedError("out of memory for a TLS context");
  SSL_CTX* context = made.get();
  SSL_CTX_set_num_tickets(context, 1);
  TlsTakeover::Prepare(context);
  if (!UseChain(context, *identity)) return Unusable(cert_chain_path);
  if (!UseKey(context, *identity)) return Unusable(key_path);
  std::shared_ptr<TlsContext> result(new TlsContext(std::move(made)));
  tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &end) == 1) {
    result->not_after_ = absl::FromTM(end, absl::UTCTimeZone());
  }
  return std::shared_ptr<const TlsContext>(std::move(result));
}

SslPtr TlsContext::NewServerConnection(int fd) const {
  return cairn::NewServerConnection(context_.get(), fd);
}

}  // namespace cairn::edge
