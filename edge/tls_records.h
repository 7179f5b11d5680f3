// TlsRecords: the records of a client's TLS 1.3 connection after its handshake, in 320 bytes, where
// OpenSSL's SSL needs 14 KB. TlsKeys encrypt; here is what records may contain and in which order:
// data, alerts, and KeyUpdate.
//
// The only handshake message that a client may send after its handshake is KeyUpdate: it was not
// asked for a certificate, and tickets are the server's. All else ends the connection with the
// alert that RFC 8446 names.
//
// Owner:  one Stream. No sockets here.
// Thread: any, one at a time.
// Bounds: kMaxRecord bytes of a record that has not come whole, kMaxSealed bytes of one that the
//         socket did not take, kMaxIdleRecords in a row without data; kMaxUpdates of its keys, and
//         one more for each kBytesPerUpdate of data.
// Source: RFC 8446 4.6.3, 5 and 6.
#ifndef CAIRN_EDGE_TLS_RECORDS_H_
#define CAIRN_EDGE_TLS_RECORDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "edge/tls_keys.h"

namespace cairn::edge {

class TlsRecords {
 public:
  static constexpr size_t kHeader = 5;
  static constexpr size_t kMaxText = 1 << 14;
  static constexpr size_t kMaxRecord = kHeader + kMaxText + 256;
  // A record of data, and a KeyUpdate before it.
  static constexpr size_t kMaxSealed = kHeader + kMaxText + 1 + TlsKeys::kTag + 32;
  static constexpr int kMaxIdleRecords = 32;
  // A KeyUpdate of 27 bytes costs as much CPU as some kilobytes of data, and is due after 2^24.5
  // records.
  static constexpr int kMaxUpdates = 32;
  static constexpr uint32_t kBytesPerUpdate = 64 << 10;
  // Records of one key, below the 2^24.5 of RFC 8446 5.5.
  static constexpr uint64_t kMaxOfKey = 1 << 24;

  // RFC 8446 6.
  enum class Alert : uint8_t {
    kCloseNotify = 0,
    kUnexpectedMessage = 10,
    kBadRecordMac = 20,
    kRecordOverflow = 22,
    kIllegalParameter = 47,
    kDecodeError = 50,
    kInternalError = 80,
    kUserCanceled = 90,
  };
  enum class End : uint8_t {
    kNone,
    kClosed,   // the client's close_notify
    kAlerted,  // another alert of the client's
    kFailed,   // its records were wrong: SealAlert() has the reason
  };

  TlsRecords(const TlsKeys& received, const TlsKeys& sent) : received_(received), sent_(sent) {}

  // What has been received of a record that is not whole. The next bytes go behind it.
  std::string_view partial() const { return partial_; }
  // `bytes` are partial() and what was received behind it. Decrypts the whole records in place;
  // their data is then at the beginning: returns its length. After End other than kNone nothing is
  // read.
  size_t Open(std::span<char> bytes);
  End end() const { return end_; }

  // The record of `text` to `room`, behind a KeyUpdate if one is due; returns its length, or 0 when
  // libcrypto failed. REQUIRES: text.size() <= kMaxText, unsent() is empty.
  size_t Seal(std::string_view text, std::span<char, kMaxSealed> room);
  // A close_notify; or, with End::kFailed, the alert that says why. As Seal().
  size_t SealAlert(std::span<char, kMaxSealed> room);

  // What the socket did not take of a record, and how many bytes of text it stands for.
  std::string_view unsent() const { return unsent_; }
  size_t unsent_text() const { return unsent_text_; }
  void KeepUnsent(std::string_view sealed, size_t text) {
    unsent_.assign(sealed), unsent_text_ = text;
  }
  // The first `bytes` of unsent() have been sent.
  void Sent(size_t bytes);

  // The memory of partial() and unsent().
  size_t held_bytes() const;

 private:
  enum class Type : uint8_t { kAlert = 21, kHandshake = 22, kData = 23 };

  // The bytes of the record that `bytes` begins with; 0: it is not whole, or this is the end.
  size_t RecordSize(std::span<const char> bytes);
  // Its data, decrypted.
  std::span<char> OpenRecord(std::span<char> record);
  void OnAlert(std::string_view text);
  void OnHandshake(std::string_view text);
  void Fail(Alert alert) { end_ = End::kFailed, alert_ = alert; }
  // Appends a record at `used` of `room`; false when libcrypto failed.
  bool Append(std::string_view text, Type type, std::span<char> room, size_t& used);

  TlsKeys received_;
  TlsKeys sent_;
  std::string partial_;
  std::string unsent_;
  size_t unsent_text_ = 0;
  // A KeyUpdate of the client's that is not whole.
  std::array<char, 5> handshake_ = {};
  uint8_t handshake_bytes_ = 0;
  uint8_t idle_records_ = 0;
  uint8_t updates_left_ = kMaxUpdates;
  uint32_t data_since_update_ = 0;  // bytes that no further update has been granted for yet
  // Our KeyUpdate goes before our next data (RFC 8446 4.6.3).
  bool owes_update_ = false;
  End end_ = End::kNone;
  Alert alert_ = Alert::kCloseNotify;  // another one with End::kFailed
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_TLS_RECORDS_H_
