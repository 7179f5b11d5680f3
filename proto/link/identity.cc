#include "proto/link/identity.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <string>

namespace cairn::link {
namespace {

// The first eight bytes of the text's SHA-256, in an order that does not depend on the machine.
uint64_t Hash(const std::string& text) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  uint64_t id = 0;
  for (size_t i = 0; i < sizeof id; ++i) id = id << 8 | digest[i];
  return id == 0 ? 1 : id;
}

}  // namespace

uint64_t LaneIdOf(std::string_view secret) { return Hash("lane " + std::string(secret)); }

uint64_t PeerIdOf(std::string_view secret, uint64_t proof) {
  std::string text = "peer " + std::string(secret);
  for (size_t i = 0; i < sizeof proof; ++i)
    text.push_back(static_cast<char>(proof >> (56 - 8 * i) & 0xff));
  return Hash(text);
}

bool SameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cairn::link
