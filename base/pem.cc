#include "base/pem.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <string_view>
#include <utility>

#include "base/text_file.h"

namespace cairn {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

BioPtr BioOf(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string TakeOpenSslError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown error";
}

absl::Status NotPem(const char* what, const std::string& path, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("'", path, "' is not a PEM ", what, ": ", why));
}

// OpenSSL's own callback would prompt at the terminal.
int NoPassphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

absl::StatusOr<std::string> ReadPem(const char* what, const std::string& path) {
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (text.ok()) return text;
  return absl::Status(text.status().code(), absl::StrCat(what, ": ", text.status().message()));
}

absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(const char* what, const std::string& path,
                                                       const std::string& text) {
  ERR_clear_error();
  const BioPtr bio = BioOf(text);
  std::vector<X509Ptr> certificates;
  bool asked = false;
  while (X509* one = PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassphrase, &asked))
    certificates.emplace_back(one);
  // This error is how a file that has at least one certificate ends.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = TakeOpenSslError();
  if (certificates.empty() || !at_end) return NotPem(what, path, why);
  return certificates;
}

absl::StatusOr<KeyPtr> ParseKey(const std::string& path, const std::string& text) {
  ERR_clear_error();
  const BioPtr bio = BioOf(text);
  bool asked = false;
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, &asked));
  const std::string why = TakeOpenSslError();
  if (key) return key;
  if (asked) {
    return absl::InvalidArgumentError(
        absl::StrCat("the private key '", path,
                     "' is encrypted, and a server has nobody to ask for its passphrase; decrypt "
                     "it with `openssl pkey`"));
  }
  return NotPem("private key", path, why);
}

}  // namespace

absl::StatusOr<PemIdentity> PemIdentity::Load(const std::string& chain_path,
                                              const std::string& key_path) {
  PemIdentity identity;
  absl::StatusOr<std::string> chain = ReadPem("certificate chain", chain_path);
  if (!chain.ok()) return chain.status();
  absl::StatusOr<std::string> key = ReadPem("private key", key_path);
  if (!key.ok()) return key.status();
  auto certificates = ParseCertificates("certificate chain", chain_path, *chain);
  if (!certificates.ok()) return certificates.status();
  absl::StatusOr<KeyPtr> parsed_key = ParseKey(key_path, *key);
  if (!parsed_key.ok()) return parsed_key.status();
  if (X509_check_private_key(certificates->front().get(), parsed_key->get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat(
        "the private key '", key_path, "' does not belong to the certificate '", chain_path, "'"));
  }
  identity.chain = *std::move(certificates);
  identity.key = *std::move(parsed_key);
  identity.chain_text = *std::move(chain);
  identity.key_text = *std::move(key);
  return identity;
}

absl::StatusOr<std::string> LoadPemAuthority(const std::string& path) {
  absl::StatusOr<std::string> text = ReadPem("CA", path);
  if (!text.ok()) return text;
  const auto certificates = ParseCertificates("CA", path, *text);
  if (!certificates.ok()) return certificates.status();
  return text;
}

std::vector<X509Ptr> CertificatesOf(const std::string& text) {
  absl::StatusOr<std::vector<X509Ptr>> certificates = ParseCertificates("", "", text);
  if (!certificates.ok()) return {};
  return *std::move(certificates);
}

std::vector<X509Ptr> PathToAuthority(const std::string& chain_text,
                                     const std::string& authority_text) {
  const std::vector<X509Ptr> chain = CertificatesOf(chain_text);
  const std::vector<X509Ptr> authorities = CertificatesOf(authority_text);
  if (chain.empty() || authorities.empty()) return {};
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      X509_STORE_free);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), X509_STORE_CTX_free);
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> others(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  if (!store || !context || !others) return {};
  for (const X509Ptr& one : authorities) X509_STORE_add_cert(store.get(), one.get());
  for (const X509Ptr& one : chain) sk_X509_push(others.get(), one.get());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others.get()) != 1)
    return {};
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_NO_CHECK_TIME);
  std::vector<X509Ptr> path;
  if (X509_verify_cert(context.get()) == 1) {
    STACK_OF(X509)* const verified = X509_STORE_CTX_get0_chain(context.get());
    for (int i = 0; i < sk_X509_num(verified); ++i) {
      X509* const one = sk_X509_value(verified, i);
      X509_up_ref(one);
      path.emplace_back(one);
    }
  }
  ERR_clear_error();
  return path;
}

}  // namespace cairn
