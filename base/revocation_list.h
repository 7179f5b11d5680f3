// RevocationList: the certificates that CAs have revoked (CRLs of RFC 5280), read from a PEM file.
//
// Thread: immutable once loaded.
// Bounds: ReadTextFile()'s.
// Errors: a Status that names the file: not a PEM CRL, a delta CRL, or one that none of the CAs has
//         signed, which would silently revoke nothing.
#ifndef CAIRN_BASE_REVOCATION_LIST_H_
#define CAIRN_BASE_REVOCATION_LIST_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace cairn {

class RevocationList {
 public:
  // `authority_text`: the certificates of the CAs, as PEM.
  static absl::StatusOr<RevocationList> Load(const std::string& path,
                                             const std::string& authority_text);

  // Whether one of these certificates (PEM) has been revoked, or one between the first and its CA,
  // which the caller need not have sent. The chain must have been verified.
  bool Revokes(const std::string& chain_text) const;

  // When the first of the CRLs should have been replaced; infinite if they have no such time. A CRL
  // that is older still revokes what it lists.
  absl::Time next_update() const { return next_update_; }

 private:
  struct CrlDeleter {
    void operator()(X509_CRL* crl) const { X509_CRL_free(crl); }
  };
  using CrlPtr = std::unique_ptr<X509_CRL, CrlDeleter>;

  std::vector<CrlPtr> crls_;
  std::string authority_text_;
  absl::Time next_update_ = absl::InfiniteFuture();
};

}  // namespace cairn

#endif  // CAIRN_BASE_REVOCATION_LIST_H_
