// Stream: the bytes of one accepted socket, plain or through TLS.
//
// OpenSSL works on the socket itself: no memory BIOs, and its buffers are released while idle.
// Owner:  one Connection.
// Thread: its loop.
// Errors: kClosed is an orderly end, kLost a reset, a time-out or a TLS error.
#ifndef CAIRN_EDGE_STREAM_H_
#define CAIRN_EDGE_STREAM_H_

#include <absl/time/time.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "base/tls_context.h"
#include "base/unique_fd.h"

namespace cairn::edge {

class Stream {
 public:
  // kClosed: the other side has ended its stream, even if it reset the connection after that.
  enum class Status { kOk, kWantRead, kWantWrite, kClosed, kLost };
  struct Result {
    Status status;
    // kOk: read or written, more than 0. Write() with kWantRead or kWantWrite: how many of the
    // bytes are in a TLS record already; the next Write() must begin with them, unchanged.
    size_t bytes = 0;
  };

  // `ssl` is null for plaintext.
  Stream(UniqueFd fd, SslPtr ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}

  // TCP_NODELAY (a signaling frame must not wait for an acknowledgement), TCP_USER_TIMEOUT, and a
  // bound on what the kernel queues unsent.
  static void SetOptions(int fd, absl::Duration user_timeout);

  bool tls() const { return ssl_ != nullptr; }
  const SSL* ssl() const { return ssl_.get(); }  // null for plaintext
  int fd() const { return fd_.get(); }
  // "TLSv1.3", or "" for plaintext.
  const char* tls_version() const { return ssl_ ? SSL_get_version(ssl_.get()) : ""; }

  // REQUIRES: tls(). kOk: done.
  Status Handshake();
  // Why the last call on this thread gave kLost, in OpenSSL's words; "" when the other side only
  // went away.
  static const char* LastTlsError();
  // With kWantWrite: TLS must write before it can read on (RFC 8446 4.6.3, KeyUpdate).
  Result Read(std::span<char> into);
  Result Write(std::string_view bytes);
  // What the socket has, before any TLS, left there; and its first bytes taken away. For a PROXY
  // header.
  Result PeekRaw(std::span<char> into);
  void DiscardRaw(std::span<char> scratch);
  // Bytes that are decrypted but not read, which the socket's readiness does not tell of.
  bool HasPending() const { return ssl_ && SSL_pending(ssl_.get()) > 0; }
  // After what has come, reading is at its end.
  void ShutdownRead();
  // Says that nothing more will be written (close_notify, then FIN).
  void ShutdownWrite();
  // The end of this resets the connection: the other side's next send fails, instead of the one
  // after it.
  void ResetAtEnd();

 private:
  Result FromSsl(int result);

  UniqueFd fd_;
  SslPtr ssl_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_STREAM_H_
