// LaneSocket: the bytes of a connection that a core serves without gRPC, plain or through TLS.
//
// OpenSSL works on the socket itself. Its buffers are released while idle.
//
// Owner:  UnauthenticatedConnection, then LaneConnection.
// Thread: its owner's.
// Errors: kEnd: the other side has closed, or the connection is lost.
#ifndef CAIRN_CORE_LANE_SOCKET_H_
#define CAIRN_CORE_LANE_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/tls_settings.h"
#include "base/unique_fd.h"

namespace cairn::core {

class LaneSocket {
 public:
  enum class Status : uint8_t { kOk, kWantRead, kWantWrite, kEnd };
  struct Result {
    Status status;
    size_t bytes = 0;  // kOk: more than 0
  };

  LaneSocket() = default;  // no connection
  // `ssl` is null for plaintext.
  explicit LaneSocket(UniqueFd fd, SslPtr ssl = nullptr)
      : fd_(std::move(fd)), ssl_(std::move(ssl)) {}

  int fd() const { return fd_.get(); }
  const SSL* ssl() const { return ssl_.get(); }
  UniqueFd TakeFd() { return std::move(fd_); }

  // kOk: done. In plaintext there is nothing to do.
  Status Handshake();
  // With TLS, kWantWrite: nothing can be read until the socket is writable (KeyUpdate).
  Result Read(std::span<char> into);
  // After kWantRead or kWantWrite the next call must begin with the same bytes.
  Result Write(std::string_view bytes);
  // Received, and not read: the socket's readiness does not include it.
  bool HasPending() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }
  // Nothing more will be written.
  void ShutdownWrite();

 private:
  Status FromSsl(int result) const;

  UniqueFd fd_;
  SslPtr ssl_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_SOCKET_H_
