#include "core/lane_socket.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace cairn::core {
namespace {

LaneSocket::Result FromCall(ssize_t bytes, LaneSocket::Status would_block) {
  if (bytes > 0) return {LaneSocket::Status::kOk, static_cast<size_t>(bytes)};
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return {would_block};
  return {LaneSocket::Status::kEnd};
}

}  // namespace

LaneSocket::Status LaneSocket::Handshake() {
  if (!ssl_) return Status::kOk;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Status::kOk : FromSsl(result);
}

LaneSocket::Result LaneSocket::Read(std::span<char> into) {
  if (!ssl_) return FromCall(recv(fd_.get(), into.data(), into.size(), 0), Status::kWantRead);
  ERR_clear_error();
  const int wanted = static_cast<int>(std::min<size_t>(into.size(), INT_MAX));
  const int bytes = SSL_read(ssl_.get(), into.data(), wanted);
  if (bytes > 0) return {Status::kOk, static_cast<size_t>(bytes)};
  return {FromSsl(bytes)};
}

LaneSocket::Result LaneSocket::Write(std::string_view bytes) {
  if (!ssl_) {
    return FromCall(send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), Status::kWantWrite);
  }
  ERR_clear_error();
  // One record, so that a blocked call covers no more (SSL_write(3), "NOTES").
  bytes = bytes.substr(0, SSL3_RT_MAX_PLAIN_LENGTH);
  const int written = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (written > 0) return {Status::kOk, static_cast<size_t>(written)};
  return {FromSsl(written)};
}

void LaneSocket::ShutdownWrite() {
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  shutdown(fd_.get(), SHUT_WR);
}

LaneSocket::Status LaneSocket::FromSsl(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Status::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Status::kWantWrite;
    default:
      return Status::kEnd;
  }
}

}  // namespace cairn::core
