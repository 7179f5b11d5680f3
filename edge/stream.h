// Stream: the bytes of one accepted socket, plain or through TLS.
//
// OpenSSL works on the socket itself: there are no memory BIOs, and its buffers are released while
// idle.
//
// Owner:  one Connection.
// Thread: its loop.
// Errors: kClosed is an orderly end; kLost is a reset, a time-out or a TLS error.
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
  // kClosed: the other side has ended its stream, even if it has reset the connection since.
  enum class Status { kOk, kWantRead, kWantWrite, kClosed, kLost };
  struct Result {
    Status status;
    // kOk: how many bytes were read or written, more than 0. Write() with kWantRead or kWantWrite:
    // how many bytes are in a TLS record already; the next Write() must begin with them, unchanged.
    size_t bytes = 0;
  };

  // `ssl` is null for plaintext.
  Stream(UniqueFd fd, SslPtr ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}

  // Sets TCP_NODELAY (a signaling frame must not wait for an acknowledgement), TCP_USER_TIMEOUT,
  // and a bound on unsent bytes in the kernel.
  static void SetOptions(int fd, absl::Duration user_timeout);

  bool tls() const { return ssl_ != nullptr; }
  const SSL* ssl() const { return ssl_.get(); }  // null for plaintext
  int fd() const { return fd_.get(); }
  // "TLSv1.3", or "" for plaintext.
  const char* tls_version() const { return ssl_ ? SSL_get_version(ssl_.get()) : ""; }

  // REQUIRES: tls(). kOk: done.
  Status Handshake();
  // OpenSSL's reason for the last kLost on this thread; "" when the other side only disconnected.
  static const char* LastTlsError();
  // With kWantWrite: TLS must write before it can continue reading (RFC 8446 4.6.3, KeyUpdate).
  Result Read(std::span<char> into);
  Result Write(std::string_view bytes);
  // For a PROXY header, before any TLS: looks at what the socket has received without consuming it;
  // and consumes its first bytes.
  Result PeekRaw(std::span<char> into);
  void DiscardRaw(std::span<char> scratch);
  // Decrypted bytes that are not read yet; the socket's readiness does not include them.
  bool HasPending() const { return ssl_ && SSL_pending(ssl_.get()) > 0; }
  // Once the received data is read, reading is at its end.
  void ShutdownRead();
  // Sends that nothing more will be written (close_notify, then FIN).
  void ShutdownWrite();
  // Destroying the stream will reset the connection, so that the other side's next send fails, and
  // not only the one after it.
  void ResetAtEnd();

 private:
  Result FromSsl(int result);

  UniqueFd fd_;
  SslPtr ssl_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_STREAM_H_
