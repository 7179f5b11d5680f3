#include "edge/core_tls.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <string_view>
#include <utility>

#include "proto/link/grpc_messages.h"

namespace cairn::edge {
namespace {

constexpr std::string_view kHttp2 = "h2";

// Each behind its length; in order of preference.
std::string Protocols() {
  std::string names;
  for (const std::string_view name : {link::kLaneProtocol, kHttp2})
    names.append(1, static_cast<char>(name.size())).append(name);
  return names;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const CoreTls>> CoreTls::Make(const PemIdentity& identity,
                                                             const std::string& authority) {
  SslContextPtr made = NewTlsContext(TLS_client_method());
  if (!made) return absl::ResourceExhaustedError("out of memory for a TLS context");
  SSL_CTX* context = made.get();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  const std::string protocols = Protocols();
  if (SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                              static_cast<unsigned>(protocols.size())) != 0)
    return absl::ResourceExhaustedError("out of memory for a TLS context");
  if (!TrustAuthorities(context, authority))
    return absl::InvalidArgumentError(
        absl::StrCat("the CA cannot be used for TLS: ", TakeTlsError()));
  if (!UseChain(context, identity) || !UseKey(context, identity)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate or its key cannot be used for TLS: ", TakeTlsError()));
  }
  return std::shared_ptr<const CoreTls>(new CoreTls(std::move(made)));
}

SslPtr CoreTls::NewConnection(int fd, const std::string& name) const {
  return NewClientConnection(context_.get(), fd, name);
}

bool CoreTls::SpeaksHttp2(const SSL& ssl) {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&ssl, &chosen, &size);
  const std::string_view name(reinterpret_cast<const char*>(chosen), size);
  return name == link::kLaneProtocol || name == kHttp2;
}

}  // namespace cairn::edge
