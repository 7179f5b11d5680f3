// Stream: the bytes of one accepted socket, plain or through TLS.
//
// OpenSSL works on the socket itself: there are no memory BIOs, and its buffers are released while
// idle. A server's TLS 1.3 connection needs OpenSSL's SSL only for its handshake: TlsRecords go on
// after it, in 3 % of the memory.
//
// Owner:  one Connection, or one CoreSocket.
// Thread: its loop.
// Errors: kClosed is an orderly end; kLost is a reset, a time-out or a TLS error.
#ifndef CAIRN_EDGE_STREAM_H_
#define CAIRN_EDGE_STREAM_H_

#include <absl/time/time.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/tls_settings.h"
#include "base/unique_fd.h"
#include "edge/tls_records.h"

namespace cairn::edge {

class Stream {
 public:
  // kClosed: the other side has ended its stream, even if it has reset the connection since.
  enum class Status { kOk, kWantRead, kWantWrite, kClosed, kLost };
  struct Result {
    Status status;
    // kOk: how many bytes were read or written, more than 0. Write() with kWantRead or kWantWrite:
    // how many bytes are in a TLS record already; the next Write() must begin with them, unchanged.
    size_t bytes = 0;
  };

  // What Read() needs room for.
  static constexpr size_t kLeastRead = TlsRecords::kMaxRecord;

  // `ssl` is null for plaintext.
  Stream(UniqueFd fd, SslPtr ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}

  // Sets TCP_NODELAY (a signaling frame must not wait for an acknowledgement), TCP_USER_TIMEOUT,
  // and a bound on unsent bytes in the kernel.
  static void SetOptions(int fd, absl::Duration user_timeout);

  bool tls() const { return ssl_ || records_; }
  const SSL* ssl() const { return ssl_.get(); }  // null for plaintext, and once TlsRecords go on
  int fd() const { return fd_.get(); }
  // "TLSv1.3", or "" for plaintext.
  const char* tls_version() const {
    return records_ ? "TLSv1.3" : ssl_ ? SSL_get_version(ssl_.get()) : "";
  }
  // Memory for records that are not whole, or that the socket has not taken. OpenSSL's, up to a
  // record in each direction, is not counted.
  size_t held_bytes() const { return records_ ? records_->held_bytes() : 0; }

  // REQUIRES: ssl(). kOk: done. As a server: kClosed, with nothing done, if the other side has left
  // before it was answered.
  Status Handshake();
  // As a server: whether its handshake has answered the other side, which is what costs; to ask for
  // another key share (RFC 8446 4.1.4) is no answer. REQUIRES: TLS.
  bool HasAnswered() const;
  // OpenSSL's reason for the last kLost on this thread; "" when the other side only disconnected.
  static const char* LastTlsError();
  // With kWantWrite: TLS must write before it can continue reading (RFC 8446 4.6.3, KeyUpdate).
  // REQUIRES: into.size() >= kLeastRead, with TLS.
  Result Read(std::span<char> into);
  Result Write(std::string_view bytes);
  // For a PROXY header, before any TLS: looks at what the socket has received without consuming it;
  // and consumes its first bytes.
  Result PeekRaw(std::span<char> into);
  void DiscardRaw(std::span<char> scratch);
  // Decrypted bytes, or an end, that are not read yet; the socket's readiness does not include
  // them.
  bool HasPending() const {
    return records_ ? records_->end() != TlsRecords::End::kNone
                    : ssl_ && SSL_pending(ssl_.get()) > 0;
  }
  // Once the received data is read, reading is at its end.
  void ShutdownRead();
  // Sends that nothing more will be written (close_notify, then FIN).
  void ShutdownWrite();
  // Destroying the stream will reset the connection, so that the other side's next send fails, and
  // not only the one after it.
  void ResetAtEnd();

 private:
  Result FromSsl(int result);
  Result ReadRecords(std::span<char> into);
  Result WriteRecord(std::string_view bytes);
  // Best effort: a socket that takes nothing more does not take an alert either.
  void SendAlert();

  UniqueFd fd_;
  SslPtr ssl_;                           // null: plaintext, or records_
  std::unique_ptr<TlsRecords> records_;  // once ssl_ is not needed
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_STREAM_H_
