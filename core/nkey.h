// Nkey: a NATS user's key, an Ed25519 key written in a form of its own: a client says the public
// half, and signs the server's nonce with the seed.
//
// Thread: any.
// Bounds: a file of at most kMaxNkeyFileBytes is looked at.
// Errors: INVALID_ARGUMENT says what is wrong, without a byte of the seed.
//
// Format: docs.nats.io, reference-protocols/nkeys. A seed is base32 (RFC 4648, without padding) of
// two bytes of prefix (seed, and of what kind of key), the 32 bytes of the key, and CRC-16/XMODEM
// of these, low byte first. A public key has one byte of prefix.
#ifndef CAIRN_CORE_NKEY_H_
#define CAIRN_CORE_NKEY_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace cairn::core {

inline constexpr size_t kMaxNkeyFileBytes = 4096;

// "U…" of a user's seed "SU…". What surrounds the seed (blanks, line ends) is ignored.
absl::StatusOr<std::string> PublicNkey(std::string_view seed);
// The 64 bytes of the signature.
absl::StatusOr<std::string> SignWithNkey(std::string_view seed, std::string_view text);

}  // namespace cairn::core

#endif  // CAIRN_CORE_NKEY_H_
