#include "admin-cli/probe/tls.h"

#include <absl/time/clock.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/printable.h"

namespace cairn::admin {
namespace {

bool IsAddress(const std::string& host) {
  in6_addr storage;
  return inet_pton(AF_INET, host.c_str(), &storage) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &storage) == 1;
}

absl::Time FromAsn1(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTimeT(timegm(&parts));
}

std::string CommonName(const X509_NAME* name) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text);
  return Printable(text);
}

// The certificate's host names, but no more than a few.
std::string Names(const X509* certificate) {
  constexpr size_t kMost = 5;
  const auto free = [](GENERAL_NAMES* names) { GENERAL_NAMES_free(names); };
  const std::unique_ptr<GENERAL_NAMES, decltype(free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      free);
  std::vector<std::string> texts;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && texts.size() < kMost; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const ASN1_STRING* text = name->d.dNSName;
    texts.push_back(
        Printable(std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                   static_cast<size_t>(ASN1_STRING_length(text)))));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string Problem(int verify_error, const X509* certificate, const TlsFacts& facts,
                    const std::string& host) {
  const absl::Time now = absl::Now();
  switch (verify_error) {
    case X509_V_OK:
      return "";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("the certificate expired {} ago: renew it, and have the server load it",
                         HumaneDuration(now - facts.not_after));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("the certificate is valid only from {}: is a clock wrong?",
                         HumaneTime(FromAsn1(X509_get0_notBefore(certificate))));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("the certificate is for '{}', not for '{}'",
                         Names(certificate).empty() ? facts.subject : Names(certificate), host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format(
          "nobody trusted here vouches for the certificate (issuer '{}'): give --ca, or have the "
          "server send the "
          "intermediate certificates",
          facts.issuer);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return fmt::format("the certificate's authority '{}' is not trusted here: give it as --ca",
                         facts.issuer);
    default:
      return fmt::format("the certificate is not trusted: {}",
                         X509_verify_cert_error_string(verify_error));
  }
}

}  // namespace

void ExpectHost(SSL* ssl, const std::string& host) {
  if (IsAddress(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(ssl, host.c_str());
  SSL_set1_host(ssl, host.c_str());
}

TlsFacts InspectTls(SSL* ssl, int verify_error, const std::string& host) {
  TlsFacts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_get_cipher_name(ssl);
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (!certificate) {
    facts.problem = "the server has no certificate";
    return facts;
  }
  facts.subject = CommonName(X509_get_subject_name(certificate));
  if (facts.subject.empty()) {
    const std::string names = Names(certificate);
    facts.subject = names.substr(0, names.find(','));
  }
  facts.issuer = CommonName(X509_get_issuer_name(certificate));
  facts.not_after = FromAsn1(X509_get0_notAfter(certificate));
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    facts.not_after =
        std::min(facts.not_after, FromAsn1(X509_get0_notAfter(sk_X509_value(chain, i))));
  }
  facts.problem = Problem(verify_error, certificate, facts, host);
  return facts;
}

}  // namespace cairn::admin
