#include "edge/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/has_left.h"
#include "edge/tls_takeover.h"

namespace cairn::edge {
namespace {

// Unsent bytes that the kernel buffers for one socket: the kernel memory that a client which does
// not read costs, besides its own receive window.
constexpr int kUnsentLowat = 256 << 10;

Stream::Status FromErrno(Stream::Status would_block) {
  switch (errno) {
    case EAGAIN:
    case EINTR:
      return would_block;
    // On Linux EPIPE means that the reset came after the end of its stream; otherwise it would be
    // ECONNRESET.
    case EPIPE:
      return Stream::Status::kClosed;
    default:
      return Stream::Status::kLost;
  }
}

// kWantRead: not at its end.
Stream::Status StatusOf(TlsRecords::End end) {
  switch (end) {
    case TlsRecords::End::kNone:
      return Stream::Status::kWantRead;
    case TlsRecords::End::kClosed:
      return Stream::Status::kClosed;
    case TlsRecords::End::kAlerted:
    case TlsRecords::End::kFailed:
      break;
  }
  return Stream::Status::kLost;
}

}  // namespace

void Stream::SetOptions(int fd, absl::Duration user_timeout) {
  const int on = 1;
  const unsigned timeout_ms = static_cast<unsigned>(absl::ToInt64Milliseconds(user_timeout));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentLowat, sizeof kUnsentLowat);
}

Stream::Status Stream::Handshake() {
  ERR_clear_error();
  // Later, what it has left unread may say why it left.
  if (SSL_is_server(ssl_.get()) && !HasAnswered() && HasLeft(fd_.get())) return Status::kClosed;
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return FromSsl(result).status;
  records_ = TlsTakeover::Take(ssl_.get());
  if (records_) ssl_.reset();
  return Status::kOk;
}

bool Stream::HasAnswered() const {
  if (records_) return true;
  if (SSL_version(ssl_.get()) >= TLS1_3_VERSION) {
    char none;
    return SSL_get_finished(ssl_.get(), &none, 0) > 0;  // its own, which ends the answer
  }
  // A part of the ClientHello may have been read (SSL_get_state(3)).
  const OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl_.get());
  return state != TLS_ST_BEFORE && state != TLS_ST_SR_CLNT_HELLO;
}

const char* Stream::LastTlsError() {
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return "";
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "";
}

Stream::Result Stream::Read(std::span<char> into) {
  if (records_) return ReadRecords(into);
  if (ssl_) {
    ERR_clear_error();
    const int wanted = static_cast<int>(std::min<size_t>(into.size(), INT_MAX));
    const int n = SSL_read(ssl_.get(), into.data(), wanted);
    return n > 0 ? Result{Status::kOk, static_cast<size_t>(n)} : FromSsl(n);
  }
  const ssize_t n = recv(fd_.get(), into.data(), into.size(), 0);
  if (n > 0) return {Status::kOk, static_cast<size_t>(n)};
  if (n == 0) return {Status::kClosed};
  return {FromErrno(Status::kWantRead)};
}

Stream::Result Stream::ReadRecords(std::span<char> into) {
  if (records_->end() != TlsRecords::End::kNone) return {StatusOf(records_->end())};
  const std::string_view partial = records_->partial();
  std::copy(partial.begin(), partial.end(), into.begin());
  const std::span<char> room = into.subspan(partial.size());
  const ssize_t n = recv(fd_.get(), room.data(), room.size(), 0);
  // An end without a close_notify cannot cut a message short: frames have lengths.
  if (n == 0) return {Status::kClosed};
  if (n < 0) return {FromErrno(Status::kWantRead)};
  const size_t data = records_->Open(into.first(partial.size() + static_cast<size_t>(n)));
  if (records_->end() == TlsRecords::End::kFailed) SendAlert();
  return data > 0 ? Result{Status::kOk, data} : Result{StatusOf(records_->end())};
}

Stream::Result Stream::WriteRecord(std::string_view bytes) {
  std::array<char, TlsRecords::kMaxSealed> room;
  std::string_view sealed = records_->unsent();
  const bool kept = !sealed.empty();
  const size_t text = kept ? records_->unsent_text() : std::min(bytes.size(), TlsRecords::kMaxText);
  if (!kept) sealed = {room.data(), records_->Seal(bytes.substr(0, text), room)};
  if (sealed.empty()) return {Status::kLost};
  const ssize_t n = send(fd_.get(), sealed.data(), sealed.size(), MSG_NOSIGNAL);
  const Status status = n >= 0 ? Status::kOk : FromErrno(Status::kWantWrite);
  if (status != Status::kOk && status != Status::kWantWrite) return {status};
  const size_t sent = n > 0 ? static_cast<size_t>(n) : 0;
  const bool whole = sent == sealed.size();
  if (kept)
    records_->Sent(sent);
  else if (!whole)
    records_->KeepUnsent(sealed.substr(sent), text);
  return {whole ? Status::kOk : Status::kWantWrite, text};
}

void Stream::SendAlert() {
  if (!records_->unsent().empty()) return;
  std::array<char, TlsRecords::kMaxSealed> room;
  const size_t sealed = records_->SealAlert(room);
  (void)!send(fd_.get(), room.data(), sealed, MSG_NOSIGNAL);
}

Stream::Result Stream::PeekRaw(std::span<char> into) {
  const ssize_t n = recv(fd_.get(), into.data(), into.size(), MSG_PEEK);
  if (n > 0) return {Status::kOk, static_cast<size_t>(n)};
  if (n == 0) return {Status::kClosed};
  return {FromErrno(Status::kWantRead)};
}

void Stream::DiscardRaw(std::span<char> scratch) {
  (void)!recv(fd_.get(), scratch.data(), scratch.size(), 0);
}

Stream::Result Stream::Write(std::string_view bytes) {
  if (records_) return WriteRecord(bytes);
  if (ssl_) {
    ERR_clear_error();
    // One record per call, although SSL_MODE_ENABLE_PARTIAL_WRITE allows more, so that it is known
    // what a blocked call covers (SSL_write(3), "NOTES").
    bytes = bytes.substr(0, SSL3_RT_MAX_PLAIN_LENGTH);
    const int n = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (n > 0) return {Status::kOk, static_cast<size_t>(n)};
    Result result = FromSsl(n);
    if (result.status == Status::kWantWrite || result.status == Status::kWantRead)
      result.bytes = bytes.size();
    return result;
  }
  const ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n >= 0) return {Status::kOk, static_cast<size_t>(n)};
  return {FromErrno(Status::kWantWrite)};
}

void Stream::ShutdownRead() { shutdown(fd_.get(), SHUT_RD); }

void Stream::ShutdownWrite() {
  if (records_) SendAlert();
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  shutdown(fd_.get(), SHUT_WR);
}

void Stream::ResetAtEnd() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

Stream::Result Stream::FromSsl(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Status::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {Status::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {Status::kClosed};
    case SSL_ERROR_SYSCALL:
      return {errno == EPIPE ? Status::kClosed : Status::kLost};
    case SSL_ERROR_SSL:
      // FIN without a close_notify. This cannot cut a message short: frames have lengths.
      return {ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
                  ? Status::kClosed
                  : Status::kLost};
    default:
      return {Status::kLost};
  }
}

}  // namespace cairn::edge
