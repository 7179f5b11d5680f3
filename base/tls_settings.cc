#include "base/tls_settings.h"

#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <vector>

namespace cairn {
namespace {

bool IsAddress(const std::string& name) {
  in6_addr any;
  return inet_pton(AF_INET, name.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

}  // namespace

SslContextPtr NewTlsContext(const SSL_METHOD* method) {
  ERR_clear_error();
  SslContextPtr result(SSL_CTX_new(method));
  SSL_CTX* context = result.get();
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Session tickets suffice for resumption; a server-side cache would grow with every client.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return result;
}

bool UseChain(SSL_CTX* context, const PemIdentity& identity) {
  for (size_t i = 0; i < identity.chain.size(); ++i) {
    X509* one = identity.chain[i].get();
    const bool used = i == 0 ? SSL_CTX_use_certificate(context, one) == 1
                             : SSL_CTX_add1_chain_cert(context, one) == 1;
    if (!used) return false;
  }
  return true;
}

bool UseKey(SSL_CTX* context, const PemIdentity& identity) {
  return SSL_CTX_use_PrivateKey(context, identity.key.get()) == 1;
}

SslPtr NewServerConnection(SSL_CTX* context, int fd) {
  SslPtr ssl(SSL_new(context));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(ssl.get());
  return ssl;
}

SslPtr NewClientConnection(SSL_CTX* context, int fd, const std::string& name) {
  SslPtr ssl(SSL_new(context));
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

std::string HandshakeFailure(const SSL& ssl, std::string_view server) {
  const long verified = SSL_get_verify_result(&ssl);
  const std::string who(server);
  if (verified != X509_V_OK)
    return absl::StrCat(who, "'s certificate: ", X509_verify_cert_error_string(verified));
  return ERR_peek_last_error() ? TakeTlsError() : absl::StrCat(who, " closed the connection");
}

bool TrustAuthorities(SSL_CTX* context, const std::string& authorities) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  const std::vector<X509Ptr> all = CertificatesOf(authorities);
  for (const X509Ptr& one : all) {
    if (X509_STORE_add_cert(store, one.get()) != 1) return false;
  }
  return !all.empty();
}

std::string TakeTlsError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown error";
}

}  // namespace cairn
