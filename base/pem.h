// PemIdentity: a certificate chain with its private key. PemAuthority: the CA certificates that
// others' certificates must come from. Both are read from PEM files and checked when loaded.
//
// Thread: immutable once loaded.
// Errors: a Status that names the file and what is wrong with it. An encrypted key is refused;
//         nothing prompts for a passphrase.
#ifndef CAIRN_BASE_PEM_H_
#define CAIRN_BASE_PEM_H_

#include <absl/status/statusor.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace cairn {

struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<X509, X509Deleter>;
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;

struct PemIdentity {
  std::vector<X509Ptr> chain;  // the leaf first; at least one
  KeyPtr key;
  // The same as text, for libraries that parse PEM themselves.
  std::string chain_text, key_text;

  // PKCS#8, SEC1 or PKCS#1.
  static absl::StatusOr<PemIdentity> Load(const std::string& chain_path,
                                          const std::string& key_path);
};

// The contents of a file that has at least one certificate.
absl::StatusOr<std::string> LoadPemAuthority(const std::string& path);

// The certificates of a PEM text; none if it cannot be read.
std::vector<X509Ptr> CertificatesOf(const std::string& text);

// The certificates from the first one of the chain to the authority that it is issued by, through
// others of the chain or of the authorities; both PEM. None if it is not. Expiry dates are ignored.
std::vector<X509Ptr> PathToAuthority(const std::string& chain_text,
                                     const std::string& authority_text);

}  // namespace cairn

#endif  // CAIRN_BASE_PEM_H_
