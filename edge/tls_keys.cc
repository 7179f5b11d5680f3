#include "edge/tls_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <iterator>
#include <memory>

namespace cairn::edge {
namespace {

struct SuiteFacts {
  TlsKeys::Suite suite;
  const char* cipher;
  const char* hash;
  size_t key_bytes;
  size_t secret_bytes;
};
constexpr std::array<SuiteFacts, 3> kSuites = {{
    {TlsKeys::Suite::kAes128GcmSha256, "AES-128-GCM", "SHA256", 16, 32},
    {TlsKeys::Suite::kAes256GcmSha384, "AES-256-GCM", "SHA384", 32, 48},
    {TlsKeys::Suite::kChaCha20Poly1305Sha256, "ChaCha20-Poly1305", "SHA256", 32, 32},
}};

const SuiteFacts& FactsOf(TlsKeys::Suite suite) {
  return kSuites[static_cast<size_t>(suite) - static_cast<size_t>(kSuites[0].suite)];
}

// One thread's cipher contexts, made when they are first used.
class Ciphers {
 public:
  // Null: out of memory.
  EVP_CIPHER_CTX* Of(TlsKeys::Suite suite, bool seals) {
    const SuiteFacts& facts = FactsOf(suite);
    Context& context =
        contexts_[static_cast<size_t>(&facts - kSuites.data()) * 2 + (seals ? 1 : 0)];
    if (!context) context = Make(facts, seals);
    return context.get();
  }

 private:
  struct Deleter {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, Deleter>;

  static Context Make(const SuiteFacts& facts, bool seals) {
    Context made(EVP_CIPHER_CTX_new());
    EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, facts.cipher, nullptr);
    const bool begun =
        made && cipher &&
        EVP_CipherInit_ex2(made.get(), cipher, nullptr, nullptr, seals ? 1 : 0, nullptr) == 1;
    EVP_CIPHER_free(cipher);
    return begun ? std::move(made) : nullptr;
  }

  std::array<Context, 2 * kSuites.size()> contexts_;
};
thread_local Ciphers ciphers;

struct KdfDeleter {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

// HKDF-Expand-Label(secret, label, "", out.size()), RFC 8446 7.1.
bool Expand(const SuiteFacts& facts, std::array<unsigned char, TlsKeys::kMaxSecret>& secret,
            std::string_view label, std::span<unsigned char> out) {
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "TLS13-KDF", nullptr);
  const std::unique_ptr<EVP_KDF_CTX, KdfDeleter> context(kdf ? EVP_KDF_CTX_new(kdf) : nullptr);
  if (!context) return false;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string_view prefix = "tls13 ";
  const auto text = [](const char* key, std::string_view value) {
    return OSSL_PARAM_construct_octet_string(key, const_cast<char*>(value.data()), value.size());
  };
  const std::array<OSSL_PARAM, 6> parameters = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(facts.hash), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), facts.secret_bytes),
      text(OSSL_KDF_PARAM_PREFIX, prefix),
      text(OSSL_KDF_PARAM_LABEL, label),
      OSSL_PARAM_construct_end()};
  return EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) == 1;
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::optional<TlsKeys::Suite> TlsKeys::SuiteOf(uint16_t id) {
  for (const SuiteFacts& facts : kSuites) {
    if (id == static_cast<uint16_t>(facts.suite)) return facts.suite;
  }
  return std::nullopt;
}

std::optional<TlsKeys> TlsKeys::Make(Suite suite, std::string_view secret, uint64_t sequence) {
  if (secret.size() != FactsOf(suite).secret_bytes) return std::nullopt;
  TlsKeys made(suite, sequence);
  std::copy(secret.begin(), secret.end(), made.secret_.begin());
  if (!made.Derive()) return std::nullopt;
  return made;
}

TlsKeys::~TlsKeys() {
  OPENSSL_cleanse(secret_.data(), secret_.size());
  OPENSSL_cleanse(key_.data(), key_.size());
  OPENSSL_cleanse(iv_.data(), iv_.size());
}

bool TlsKeys::Derive() {
  const SuiteFacts& facts = FactsOf(suite_);
  return Expand(facts, secret_, "key", std::span(key_).first(facts.key_bytes)) &&
         Expand(facts, secret_, "iv", iv_);
}

bool TlsKeys::Update() {
  const SuiteFacts& facts = FactsOf(suite_);
  std::array<unsigned char, kMaxSecret> next = {};
  const bool expanded =
      Expand(facts, secret_, "traffic upd", std::span(next).first(facts.secret_bytes));
  secret_ = next;
  OPENSSL_cleanse(next.data(), next.size());
  sequence_ = 0;
  return expanded && Derive();
}

std::array<unsigned char, 12> TlsKeys::Nonce() const {
  std::array<unsigned char, 12> nonce = iv_;
  for (size_t i = 0; i < 8; ++i) nonce[11 - i] ^= static_cast<unsigned char>(sequence_ >> (8 * i));
  return nonce;
}

bool TlsKeys::Seal(std::string_view header, std::string_view text, uint8_t type,
                   std::span<char> sealed) {
  EVP_CIPHER_CTX* const context = ciphers.Of(suite_, true);
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  int done = 0;
  if (!context ||
      EVP_CipherInit_ex2(context, nullptr, key_.data(), Nonce().data(), 1, nullptr) != 1 ||
      EVP_EncryptUpdate(context, nullptr, &done, Bytes(header), static_cast<int>(header.size())) !=
          1)
    return false;
  if (!text.empty() &&
      EVP_EncryptUpdate(context, out, &done, Bytes(text), static_cast<int>(text.size())) != 1)
    return false;
  out += text.size();
  if (EVP_EncryptUpdate(context, out, &done, &type, 1) != 1 ||
      EVP_EncryptFinal_ex(context, out + 1, &done) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, out + 1) != 1)
    return false;
  ++sequence_;
  return true;
}

bool TlsKeys::Open(std::string_view header, std::span<char> sealed) {
  EVP_CIPHER_CTX* const context = ciphers.Of(suite_, false);
  auto* const in = reinterpret_cast<unsigned char*>(sealed.data());
  const int length = static_cast<int>(sealed.size() - kTag);
  int done = 0;
  if (!context ||
      EVP_CipherInit_ex2(context, nullptr, key_.data(), Nonce().data(), 0, nullptr) != 1 ||
      EVP_DecryptUpdate(context, nullptr, &done, Bytes(header), static_cast<int>(header.size())) !=
          1 ||
      EVP_DecryptUpdate(context, in, &done, in, length) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTag, in + length) != 1 ||
      EVP_DecryptFinal_ex(context, in + length, &done) != 1)
    return false;
  ++sequence_;
  return true;
}

}  // namespace cairn::edge
