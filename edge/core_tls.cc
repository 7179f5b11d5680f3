#include "edge/core_tls.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

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

bool Trust(SSL_CTX* context, const std::string& authority) {
  struct BioDeleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  const std::unique_ptr<BIO, BioDeleter> bio(
      BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size())));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  bool any = false;
  while (const X509Ptr one = X509Ptr(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr))) {
    if (X509_STORE_add_cert(store, one.get()) != 1) return false;
    any = true;
  }
  // OpenSSL reports the end of the input as an error.
  if (any) ERR_clear_error();
  return any;
}

bool IsAddress(const std::string& name) {
  in6_addr any;
  return inet_pton(AF_INET, name.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &any) == 1;
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
  if (!Trust(context, authority))
    return absl::InvalidArgumentError(
        absl::StrCat("the CA cannot be used for TLS: ", TakeTlsError()));
  if (!UseChain(context, identity) || !UseKey(context, identity)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate or its key cannot be used for TLS: ", TakeTlsError()));
  }
  return std::shared_ptr<const CoreTls>(new CoreTls(std::move(made)));
}

SslPtr CoreTls::NewConnection(int fd, const std::string& name) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = IsAddress(name)
                         ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str())
                         : SSL_set1_host(ssl.get(), name.c_str()) == 1 &&
                               SSL_set_tlsext_host_name(ssl.get(), name.c_str()) == 1;
  if (!named) return nullptr;
  SSL_set_connect_state(ssl.get());
  return ssl;
}

bool CoreTls::SpeaksHttp2(const SSL& ssl) {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&ssl, &chosen, &size);
  const std::string_view name(reinterpret_cast<const char*>(chosen), size);
  return name == link::kLaneProtocol || name == kHttp2;
}

std::string CoreTls::FailureOf(const SSL& ssl) {
  const long verified = SSL_get_verify_result(&ssl);
  if (verified != X509_V_OK)
    return absl::StrCat("the core's certificate: ", X509_verify_cert_error_string(verified));
  return ERR_peek_last_error() ? TakeTlsError() : "the core closed the connection";
}

}  // namespace cairn::edge
