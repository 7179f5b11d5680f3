#include "core/nats_tls.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <string>

#include "base/pem.h"

namespace cairn::core {

absl::StatusOr<SslContextPtr> NewNatsTls(const NatsOptions& options) {
  SslContextPtr context = NewTlsContext(TLS_client_method());
  if (!context) return absl::ResourceExhaustedError("out of memory for TLS");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // One system call for a message, not one for its record's header and one for the rest.
  SSL_CTX_set_read_ahead(context.get(), 1);
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    const absl::StatusOr<std::string> authorities = LoadPemAuthority(options.ca_file);
    if (!authorities.ok()) return authorities.status();
    if (!TrustAuthorities(context.get(), *authorities))
      return absl::UnavailableError(absl::StrCat(options.ca_file, ": ", TakeTlsError()));
  }
  if (options.cert_file.empty()) return context;
  const absl::StatusOr<PemIdentity> identity =
      PemIdentity::Load(options.cert_file, options.key_file);
  if (!identity.ok()) return identity.status();
  if (!UseChain(context.get(), *identity) || !UseKey(context.get(), *identity))
    return absl::UnavailableError(absl::StrCat(options.cert_file, ": ", TakeTlsError()));
  return context;
}

}  // namespace cairn::core
