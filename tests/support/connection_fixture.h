// ConnectionTest: a Connection on one end of a socket pair, and a client on the other, plain or
// through TLS. The test plays the loop: OnReady() and Settle() happen in Turn().
#ifndef CAIRN_TESTS_SUPPORT_CONNECTION_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_CONNECTION_FIXTURE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "edge/connection.h"
#include "tests/support/client_frames.h"
#include "tests/support/edge_bed.h"
#include "tests/support/tls_files.h"
#include "tests/support/upgrade_requests.h"

namespace cairn::edge {

class ConnectionTest : public testing::TestWithParam<bool>,
                       public ConnectionHost,
                       protected EdgeBed {
 protected:
  static constexpr size_t kReadBuffer = 256 << 10;

  ConnectionTest() : buffer_(std::make_unique<char[]>(kReadBuffer)) { lane_.Connect(&link_); }
  ~ConnectionTest() override {
    connection_.reset();
    close(client_fd_);
  }

  // A small socket buffer, so that a client that does not read is noticed soon.
  void Open() {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    const int small = 4096;
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    client_fd_ = fds[1];
    SslPtr ssl;
    if (GetParam()) {
      tls_ = *TlsContext::Load(files_.cert, files_.key);
      ssl = tls_->NewServerConnection(fds[0]);
      client_context_.reset(SSL_CTX_new(TLS_client_method()));
      client_ssl_.reset(SSL_new(client_context_.get()));
      SSL_set_mode(client_ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
      SSL_set_fd(client_ssl_.get(), client_fd_);
      SSL_set_connect_state(client_ssl_.get());
    }
    connection_ = std::make_unique<Connection>(
        *this, Stream(UniqueFd(fds[0]), std::move(ssl)),
        std::make_unique<Handshake>(SocketAddress(), trust_, tokens_, 64 << 10), std::nullopt);
    if (GetParam()) {
      while (SSL_do_handshake(client_ssl_.get()) != 1) Turn();
    }
    Send(GoodRequest());
    const std::string answer = ReceiveAll();
    ASSERT_EQ(answer.substr(0, 12), "HTTP/1.1 101") << answer;
  }

  // One turn of the loop for this socket; false if epoll would not have woken it.
  bool Turn() {
    if (retired_) return false;
    pollfd wanted = {connection_->fd(), 0, 0};
    if (watched_ & EPOLLIN) wanted.events |= POLLIN;
    if (watched_ & EPOLLOUT) wanted.events |= POLLOUT;
    poll(&wanted, 1, 0);
    uint32_t events = 0;
    if (wanted.revents & POLLIN) events |= EPOLLIN;
    if (wanted.revents & POLLOUT) events |= EPOLLOUT;
    if (wanted.revents & POLLHUP) events |= EPOLLHUP;
    if (events != 0) connection_->OnReady(events);
    Settle();
    return events != 0;
  }
  void Settle() {
    for (; turns_wanted_ > 0 && !retired_; --turns_wanted_) connection_->TakeTurn();
    while (std::exchange(connection_->touched, false)) connection_->Settle();
  }

  // The client writes; the connection reads as far as needed.
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n =
          client_ssl_ ? SSL_write(client_ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                      : send(client_fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
      } else {
        ASSERT_TRUE(Turn()) << "the connection does not read";
      }
    }
    while (Turn()) {
    }
  }
  // The client reads until nothing more comes.
  std::string ReceiveAll() {
    std::string all;
    char piece[16 << 10];
    for (;;) {
      const ssize_t n = client_ssl_ ? SSL_read(client_ssl_.get(), piece, sizeof piece)
                                    : recv(client_fd_, piece, sizeof piece, 0);
      if (n > 0) {
        all.append(piece, static_cast<size_t>(n));
      } else if (retired_ || !Turn()) {
        return all;
      }
    }
  }

  // ---- ConnectionHost
  void Touch(Connection& connection) override { connection.touched = true; }
  bool Watch(Connection&, uint32_t epoll_events) override {
    watched_ = epoll_events;
    return true;
  }
  void AwaitPing(Connection&) override {}
  void AwaitEnd(Connection&) override {}
  void Retire(Connection&) override { retired_ = true; }
  bool ReadingPaused(Connection&) override { return false; }
  SessionContext& session_context() override { return context_; }
  std::span<char> read_buffer() override { return {buffer_.get(), kReadBuffer}; }
  link::PeerName NewPeer() override { return {1, 0}; }
  Admission Admit(Connection&, const SocketAddress&) override { return {}; }
  void NoteQueued(ptrdiff_t bytes) override { queued_ += static_cast<size_t>(bytes); }
  bool QueuesFull() const override { return queued_ > max_queued_; }
  void ShortenQueues() override { connection_->GiveUpQueue(); }
  TokenBucket::Rate message_rate() const override { return rate_; }
  TokenBucket::Rate delivery_rate() const override { return delivery_rate_; }
  void AwaitTokens(Connection&) override { ++waits_for_tokens_; }
  void AwaitTurn(Connection&) override { ++turns_wanted_; }
  void NoteHeard(uint64_t work) override { heard_ += work; }
  absl::Duration Now() const override { return clock_.Elapsed(); }
  absl::Time WallTime() const override { return clock_.WallTime(); }
  bool draining() const override { return false; }
  CloseLog& close_log() override { return close_log_; }

  uint64_t Closes(CloseReason reason) const {
    return counters_.closes[static_cast<size_t>(reason)].Get();
  }

  CloseLog close_log_{clock_};
  ProxyTrust trust_;
  std::shared_ptr<const BearerTokens> tokens_ = std::make_shared<const BearerTokens>();
  std::unique_ptr<char[]> buffer_;
  TlsFiles files_;
  std::shared_ptr<const TlsContext> tls_;
  std::unique_ptr<SSL_CTX, SslDeleter> client_context_;
  SslPtr client_ssl_;
  int client_fd_ = -1;
  uint32_t watched_ = EPOLLIN;
  bool retired_ = false;
  size_t queued_ = 0;
  size_t max_queued_ = ~size_t{0};
  TokenBucket::Rate rate_;
  TokenBucket::Rate delivery_rate_;
  int waits_for_tokens_ = 0;
  int turns_wanted_ = 0;
  uint64_t heard_ = 0;
  std::unique_ptr<Connection> connection_;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_CONNECTION_FIXTURE_H_
