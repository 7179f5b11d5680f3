#include "core/lane_tls.h"

#include <absl/strings/str_cat.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/pem.h"
#include "proto/link/grpc_messages.h"

namespace cairn::core {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

BioPtr Reader(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

absl::Status Unusable(const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " cannot be used for TLS: ", TakeTlsError()));
}

// Lanes only: a client that offers nothing else is gRPC's.
int SelectProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                   const unsigned char* offered, unsigned offered_bytes, void*) {
  for (unsigned at = 0; at < offered_bytes && at + offered[at] < offered_bytes;
       at += 1u + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1, offered[at]);
    if (name != link::kLaneProtocol) continue;
    *chosen = offered + at + 1;
    *chosen_bytes = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A name with a zero byte could be taken for a shorter one.
void AddName(const ASN1_STRING* text, std::vector<std::string>& names) {
  unsigned char* utf8 = nullptr;
  const int bytes = ASN1_STRING_to_UTF8(&utf8, text);
  if (bytes < 0) return;
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<size_t>(bytes));
  OPENSSL_free(utf8);
  if (name.find('\0') == std::string::npos) names.push_back(std::move(name));
}

void AddNames(X509* certificate, std::vector<std::string>& names) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) AddName(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), names);
  auto* const others = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(others); ++i) {
    const GENERAL_NAME* const one = sk_GENERAL_NAME_value(others, i);
    if (one->type == GEN_DNS) AddName(one->d.dNSName, names);
  }
  GENERAL_NAMES_free(others);
}

std::string PemOf(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  const long bytes = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(bytes)};
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LaneTls>> LaneTls::Make(const GrpcTls& tls) {
  SslContextPtr made = NewTlsContext(TLS_server_method());
  if (!made) return absl::ResourceExhaustedError("out of memory for a TLS context");
  SSL_CTX* const context = made.get();
  PemIdentity identity;
  identity.chain = CertificatesOf(tls.cert);
  identity.key = KeyPtr(PEM_read_bio_PrivateKey(Reader(tls.key).get(), nullptr, nullptr, nullptr));
  if (identity.chain.empty() || !UseChain(context, identity)) return Unusable("the certificate");
  if (!identity.key || !UseKey(context, identity)) return Unusable("the key");
  if (!TrustAuthorities(context, tls.ca)) return Unusable("the CA");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_alpn_select_cb(context, SelectProtocol, nullptr);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  // One system call for a message, not one for its record's header and one for the rest.
  SSL_CTX_set_read_ahead(context, 1);
  ERR_clear_error();
  return std::shared_ptr<const LaneTls>(new LaneTls(std::move(made)));
}

SslPtr LaneTls::NewConnection(int fd) const { return NewServerConnection(context_.get(), fd); }

Credentials LaneTls::CallerOf(const SSL& ssl) {
  Credentials credentials;
  const X509Ptr leaf(SSL_get1_peer_certificate(&ssl));
  if (!leaf || SSL_get_verify_result(&ssl) != X509_V_OK) return credentials;
  AddNames(leaf.get(), credentials.certificate_names);
  credentials.certificate_chain = PemOf(leaf.get());
  // On a server it does not contain the client's own.
  STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(&ssl);
  for (int i = 0; i < sk_X509_num(sent); ++i)
    credentials.certificate_chain += PemOf(sk_X509_value(sent, i));
  ERR_clear_error();
  return credentials;
}

}  // namespace cairn::core
