// NatsOptions: which NATS servers a core connects to, and as whom.
//
// Form:   "nats://a,b:4223,tls://c" as a list of whole URLs: a scheme goes on for those after it, the
//         port is 4222 unless given.
// Errors: ParseNatsUrls(): INVALID_ARGUMENT says what is wrong, but never shows a password.
#ifndef CAIRN_CORE_NATS_OPTIONS_H_
#define CAIRN_CORE_NATS_OPTIONS_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::core {

struct NatsOptions {
  std::vector<std::string> urls;  // nats://HOST:PORT or tls://HOST:PORT, each tried in turn
  std::string fleet;              // a token of a subject: letters, digits, '-', '_'
  uint64_t core_id = 0;           // our own
  // PEM files; empty: none.
  std::string ca_file, cert_file, key_file;
  // A user's seed (core/nkey.h), or a credentials file (JWT and seed); at most one.
  std::string nkey_file, credentials_file;

  bool names_files() const {
    return !ca_file.empty() || !cert_file.empty() || !key_file.empty() || !nkey_file.empty() ||
           !credentials_file.empty();
  }
};

absl::StatusOr<std::vector<std::string>> ParseNatsUrls(std::string_view text);

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_OPTIONS_H_
