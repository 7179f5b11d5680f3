#include "base/revocation_list.h"

#include <absl/strings/str_cat.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/pem.h"
#include "base/text_file.h"

namespace cairn {
namespace {

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts = {};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfiniteFuture();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

bool IsSignedByOneOf(const std::vector<X509Ptr>& authorities, X509_CRL* crl) {
  const bool is_signed = std::ranges::any_of(authorities, [crl](const X509Ptr& authority) {
    return X509_NAME_cmp(X509_get_subject_name(authority.get()), X509_CRL_get_issuer(crl)) == 0 &&
           X509_CRL_verify(crl, X509_get0_pubkey(authority.get())) == 1;
  });
  ERR_clear_error();
  return is_signed;
}

bool IsRevoked(X509* certificate, X509_CRL* crl) {
  // 1: revoked; 2: a delta CRL takes it out again.
  X509_REVOKED* entry = nullptr;
  return X509_NAME_cmp(X509_get_issuer_name(certificate), X509_CRL_get_issuer(crl)) == 0 &&
         X509_CRL_get0_by_cert(crl, &entry, certificate) == 1;
}

}  // namespace

absl::StatusOr<RevocationList> RevocationList::Load(const std::string& path,
                                                    const std::string& authority_text) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  const auto refusal = [&path](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' ", why));
  };
  const std::vector<X509Ptr> authorities = CertificatesOf(authority_text);
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(text->data(), static_cast<int>(text->size())), BIO_free);
  ERR_clear_error();
  RevocationList list;
  list.authority_text_ = authority_text;
  while (X509_CRL* crl = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)) {
    list.crls_.emplace_back(crl);
    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
      return refusal("has a delta CRL; give the complete one");
    if (!IsSignedByOneOf(authorities, crl))
      return refusal("has a CRL that is signed by none of the CAs in --grpc-tls-ca");
    list.next_update_ = std::min(list.next_update_, TimeOf(X509_CRL_get0_nextUpdate(crl)));
  }
  // This error is how a file that has at least one CRL ends.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (list.crls_.empty() || !at_end) return refusal("is not a PEM CRL");
  return list;
}

bool RevocationList::Revokes(const std::string& chain_text) const {
  const auto is_revoked = [this](const X509Ptr& certificate) {
    return std::ranges::any_of(
        crls_, [&](const CrlPtr& crl) { return IsRevoked(certificate.get(), crl.get()); });
  };
  return std::ranges::any_of(CertificatesOf(chain_text), is_revoked) ||
         std::ranges::any_of(PathToAuthority(chain_text, authority_text_), is_revoked);
}

}  // namespace cairn
