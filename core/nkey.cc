#include "core/nkey.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace cairn::core {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr uint8_t kSeedPrefix = 18 << 3;
constexpr uint8_t kUserPrefix = 20 << 3;
constexpr size_t kKeyBytes = 32;
constexpr size_t kSignatureBytes = 64;
constexpr size_t kSeedBytes = 2 + kKeyBytes + 2;
constexpr size_t kSeedCharacters = 58;  // ceil(36 * 8 / 5)

uint16_t Checksum(std::string_view data) {
  uint16_t crc = 0;
  for (const char byte : data) {
    crc = static_cast<uint16_t>(crc ^ (static_cast<uint8_t>(byte) << 8));
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
    }
  }
  return crc;
}

std::optional<std::string> DecodeBase32(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char character : text) {
    const size_t value = kAlphabet.find(character);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 5 | static_cast<uint32_t>(value);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return bytes;
}

std::string EncodeBase32(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(byte);
    count += 8;
    while (count >= 5) text.push_back(kAlphabet[bits >> (count -= 5) & 31]);
  }
  if (count > 0) text.push_back(kAlphabet[bits << (5 - count) & 31]);
  return text;
}

void AppendChecksum(std::string& data) {
  const uint16_t crc = Checksum(data);
  data.push_back(static_cast<char>(crc & 0xff));
  data.push_back(static_cast<char>(crc >> 8));
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status NoKey() { return absl::InternalError("OpenSSL cannot make an Ed25519 key"); }

absl::StatusOr<Key> KeyOf(std::string_view seed) {
  std::string text(seed);
  absl::StripAsciiWhitespace(&text);
  if (text.size() != kSeedCharacters || text.compare(0, 2, "SU") != 0) {
    return absl::InvalidArgumentError(
        "not the seed of a NATS user, which has 58 characters and begins with SU");
  }
  std::optional<std::string> bytes = DecodeBase32(text);
  if (!bytes) return absl::InvalidArgumentError("not base32: an nkey has only A to Z and 2 to 7");
  std::string signed_part = bytes->substr(0, kSeedBytes - 2);
  AppendChecksum(signed_part);
  const bool is_whole = signed_part == *bytes;
  const bool is_user = static_cast<uint8_t>((*bytes)[0]) == (kSeedPrefix | kUserPrefix >> 5);
  Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                   reinterpret_cast<const uint8_t*>(bytes->data()) + 2, kKeyBytes),
      EVP_PKEY_free);
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.InnerPointer): nothing has moved the bytes.
  OPENSSL_cleanse(bytes->data(), bytes->size());
  OPENSSL_cleanse(signed_part.data(), signed_part.size());
  OPENSSL_cleanse(text.data(), text.size());
  if (!is_whole || !is_user)
    return absl::InvalidArgumentError(
        "the seed's checksum is wrong: a character is missing or another one");
  if (!key) return NoKey();
  return key;
}

}  // namespace

absl::StatusOr<std::string> PublicNkey(std::string_view seed) {
  const absl::StatusOr<Key> key = KeyOf(seed);
  if (!key.ok()) return key.status();
  std::array<uint8_t, kKeyBytes> public_key{};
  size_t size = public_key.size();
  if (EVP_PKEY_get_raw_public_key(key->get(), public_key.data(), &size) != 1) return NoKey();
  std::string encoded(1, static_cast<char>(kUserPrefix));
  encoded.append(reinterpret_cast<const char*>(public_key.data()), public_key.size());
  AppendChecksum(encoded);
  return EncodeBase32(encoded);
}

absl::StatusOr<std::string> SignWithNkey(std::string_view seed, std::string_view text) {
  const absl::StatusOr<Key> key = KeyOf(seed);
  if (!key.ok()) return key.status();
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  const bool made =
      context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key->get()) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                     reinterpret_cast<const uint8_t*>(text.data()), text.size()) == 1;
  if (!made) return absl::InternalError("OpenSSL cannot sign with an Ed25519 key");
  return signature;
}

}  // namespace cairn::core
