// NatsUser: as whom a core connects to NATS: a user's key, a user's JWT with its key, or nobody.
//
// Owner:  one attempt to connect, which reads the files anew: they may have been replaced.
// Thread: its owner's.
// Bounds: kMaxNkeyFileBytes of a key's file, kMaxTextFileBytes of a credentials file.
// Errors: a Status that names the file, without a byte of the seed.
// Form:   a credentials file has the JWT between "-----BEGIN NATS USER JWT-----" and a line of
//         dashes, and the seed between "-----BEGIN USER NKEY SEED-----" and another.
#ifndef CAIRN_CORE_NATS_USER_H_
#define CAIRN_CORE_NATS_USER_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "core/nats_options.h"

namespace cairn::core {

class NatsUser {
 public:
  // Of options.nkey_file or options.credentials_file; nobody if there is neither.
  static absl::StatusOr<NatsUser> Read(const NatsOptions& options);

  NatsUser(NatsUser&&) = default;
  NatsUser& operator=(NatsUser&&) = default;
  // Overwrites the seed.
  ~NatsUser();

  bool anybody() const { return !seed_.empty(); }
  const std::string& nkey() const { return nkey_; }  // empty: there is a JWT
  const std::string& jwt() const { return jwt_; }
  // As CONNECT has it: base64url without padding. REQUIRES: anybody().
  absl::StatusOr<std::string> Sign(std::string_view nonce) const;

 private:
  NatsUser() = default;

  std::string nkey_;
  std::string jwt_;
  std::string seed_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_USER_H_
