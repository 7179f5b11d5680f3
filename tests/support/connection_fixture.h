// ConnectionTest: a Connection on one end of a socket pair, and a client on the other, plain or
// through TLS. The test takes the place of the loop: input and output happen in TakeTurn().
#ifndef CAIRN_TESTS_SUPPORT_CONNECTION_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_CONNECTION_FIXTURE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/task_queue.h"
#include "edge/connection.h"
#include "edge/tls_context.h"
#include "tests/support/client_frames.h"
#include "tests/support/edge_bed.h"
#include "tests/support/server_frames.h"
#include "tests/support/tls_files.h"
#include "tests/support/upgrade_requests.h"

namespace cairn::edge {

class ConnectionTest : public testing::TestWithParam<bool>, protected EdgeBed {
 protected:
  static constexpr size_t kReadBuffer = 256 << 10;
  static constexpr size_t kMaxQueued = 4 << 20;

  ConnectionTest() : buffer_(std::make_unique<char[]>(kReadBuffer)) { lane_.Connect(&link_); }
  ~ConnectionTest() override {
    connection_.reset();
    close(client_fd_);
  }

  // A connection before its handshake, and the client's end. A small socket buffer, so that a
  // client that does not read is noticed soon.
  std::unique_ptr<Connection> NewConnection(UniqueFd& client_end) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    const int small = 4096;
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    client_end = UniqueFd(fds[1]);
    SslPtr ssl;
    if (GetParam()) {
      if (!tls_) tls_ = *TlsContext::Load(files_.cert, files_.key);
      ssl = tls_->NewServerConnection(fds[0]);
    }
    auto connection = std::make_unique<Connection>(
        host_, Stream(UniqueFd(fds[0]), std::move(ssl)),
        std::make_unique<Handshake>(SocketAddress(), trust_, tokens_, 64 << 10),
        limiter_.Enter(""));
    EXPECT_TRUE(poller_.Add(connection->fd(), EPOLLIN, *connection));
    return connection;
  }
  void Connect() {
    UniqueFd client_end;
    connection_ = NewConnection(client_end);
    client_fd_ = client_end.Release();
  }

  void Open() {
    Connect();
    if (GetParam()) {
      client_context_.reset(SSL_CTX_new(TLS_client_method()));
      client_ssl_.reset(SSL_new(client_context_.get()));
      SSL_set_mode(client_ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
      SSL_set_fd(client_ssl_.get(), client_fd_);
      SSL_set_connect_state(client_ssl_.get());
      while (SSL_do_handshake(client_ssl_.get()) != 1) TakeTurn();
    }
    Send(GoodRequest());
    const std::string answer = ReceiveAll();
    ASSERT_EQ(answer.substr(0, 12), "HTTP/1.1 101") << answer;
  }

  // One turn of the loop for this socket; false if epoll would not have woken it.
  bool TakeTurn() {
    if (retired_) return false;
    poller_.Collect(0);
    const bool ready = poller_.HandleNext();
    Settle();
    return ready;
  }
  // What a loop does before it sleeps, and the turns that follow at once.
  void Settle() {
    const auto retire = [this](Connection&) { retired_ = true; };
    turn_.Settle(retire);
    turn_.End();
    while ((turn_.awaiting() > 0 || turn_.has_handshakes()) && !retired_) {
      turn_.TakeTurns();
      turn_.Settle(retire);
      turn_.End();
    }
  }

  // Delivers that many frames of 4 KB, each in a turn of its own that ends with `after(number)`.
  // Returns their bytes.
  std::string DeliverFrames(
      int count, const std::function<void(int)>& after = [](int) {}) {
    std::string delivered;
    for (int i = 0; i < count; ++i) {
      const std::string frame =
          Frame(wire::WsOpcode::kBinary, std::string(4000, static_cast<char>('a' + i % 26)));
      delivered += frame;
      connection_->Deliver(frame);
      Settle();
      after(i);
    }
    return delivered;
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
        ASSERT_TRUE(TakeTurn()) << "the connection does not read";
      }
    }
    while (TakeTurn()) {
    }
  }
  // The client reads until no more data arrives.
  std::string ReceiveAll() {
    std::string all;
    char piece[16 << 10];
    for (;;) {
      const ssize_t n = client_ssl_ ? SSL_read(client_ssl_.get(), piece, sizeof piece)
                                    : recv(client_fd_, piece, sizeof piece, 0);
      if (n > 0) {
        all.append(piece, static_cast<size_t>(n));
      } else if (retired_ || !TakeTurn()) {
        return all;
      }
    }
  }

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
  bool retired_ = false;
  // The loop's parts.
  ConnectionLimiter limiter_{limits_};
  PeerNames peers_{"a lane's secret"};
  TaskQueue tasks_;
  Poller poller_{tasks_.wake_fd()};
  Turn<Connection> turn_{lane_};
  BackPressure<Connection> pressure_{lane_, turn_, kMaxQueued};
  ConnectionDeadlines<Connection> deadlines_{limits_, 1};
  SpareBuffers spare_buffers_;
  ConnectionContext host_{
      clock_,         close_log_, limiter_,   peers_,   poller_,
      turn_,          pressure_,  deadlines_, context_, {buffer_.get(), kReadBuffer},
      spare_buffers_, {},         {}};
  std::unique_ptr<Connection> connection_;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_CONNECTION_FIXTURE_H_
