// TlsKeys: what protects the records of one direction of a TLS 1.3 connection: its traffic secret,
// and the key, IV and sequence number that belong to it.
//
// All cryptography is libcrypto's. Its cipher contexts, 700 bytes each, belong to the thread and
// get the key with each record, so that a connection keeps only what is here.
//
// Owner:  one TlsRecords.
// Thread: any, one at a time.
// Errors: false when libcrypto fails, which it does when it is out of memory.
// Source: RFC 8446 5.2, 5.3 (nonce), 7.2 and 7.3 (secrets and keys), B.4 (cipher suites).
#ifndef CAIRN_EDGE_TLS_KEYS_H_
#define CAIRN_EDGE_TLS_KEYS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace cairn::edge {

class TlsKeys {
 public:
  static constexpr size_t kMaxSecret = 48;
  static constexpr size_t kTag = 16;

  // Those that OpenSSL offers by default; the values are IANA's.
  enum class Suite : uint16_t {
    kAes128GcmSha256 = 0x1301,
    kAes256GcmSha384 = 0x1302,
    kChaCha20Poly1305Sha256 = 0x1303,
  };
  // nullopt: another one.
  static std::optional<Suite> SuiteOf(uint16_t id);

  // The keys of `secret`, whose next record is number `sequence`. nullopt: the secret has another
  // length than the suite's hash, or libcrypto failed.
  static std::optional<TlsKeys> Make(Suite suite, std::string_view secret, uint64_t sequence = 0);

  // Wipes the keys.
  ~TlsKeys();
  TlsKeys(const TlsKeys&) = default;
  TlsKeys& operator=(const TlsKeys&) = default;

  // Encrypts `text` and then `type`, the next record's, to `sealed`, with the tag behind them.
  // REQUIRES: sealed.size() == text.size() + 1 + kTag.
  bool Seal(std::string_view header, std::string_view text, uint8_t type, std::span<char> sealed);
  // Decrypts the next record in place: `sealed` ends with its tag. False also when it is not
  // authentic. REQUIRES: sealed.size() >= kTag.
  bool Open(std::string_view header, std::span<char> sealed);

  // Goes on to the next traffic secret, whose records are numbered from 0 again.
  bool Update();

  // The number of the next record.
  uint64_t sequence() const { return sequence_; }

 private:
  TlsKeys(Suite suite, uint64_t sequence) : suite_(suite), sequence_(sequence) {}

  // key_ and iv_ from secret_.
  bool Derive();
  std::array<unsigned char, 12> Nonce() const;

  Suite suite_;
  uint64_t sequence_;
  std::array<unsigned char, kMaxSecret> secret_ = {};
  std::array<unsigned char, 32> key_ = {};
  std::array<unsigned char, 12> iv_ = {};
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_TLS_KEYS_H_
