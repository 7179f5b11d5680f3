// Records as a client seals them, and keys that only tests know.
#ifndef CAIRN_TESTS_SUPPORT_TLS_CLIENT_RECORDS_H_
#define CAIRN_TESTS_SUPPORT_TLS_CLIENT_RECORDS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "edge/tls_keys.h"

namespace cairn::edge {

inline constexpr uint8_t kAlertRecord = 21, kHandshakeRecord = 22, kDataRecord = 23;

// Keys of a secret that is one letter again and again.
inline TlsKeys TestKeys(char letter, uint64_t sequence = 0,
                        TlsKeys::Suite suite = TlsKeys::Suite::kAes128GcmSha256) {
  const size_t length = suite == TlsKeys::Suite::kAes256GcmSha384 ? 48 : 32;
  return *TlsKeys::Make(suite, std::string(length, letter), sequence);
}

// The next record of `keys`; "" when they fail.
inline std::string SealRecord(TlsKeys& keys, std::string_view text, uint8_t type = kDataRecord) {
  const size_t sealed = text.size() + 1 + TlsKeys::kTag;
  std::string record = {23, 3, 3, static_cast<char>(sealed >> 8), static_cast<char>(sealed)};
  record.resize(5 + sealed);
  const bool done = keys.Seal(record.substr(0, 5), text, type, std::span(record).subspan(5));
  return done ? record : "";
}

// The text and the type of the next record of `keys`; "" when it is not authentic.
inline std::string OpenRecord(TlsKeys& keys, std::string record) {
  const bool done = keys.Open(record.substr(0, 5), std::span(record).subspan(5));
  return done ? record.substr(5, record.size() - 5 - TlsKeys::kTag) : "";
}

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_TLS_CLIENT_RECORDS_H_
