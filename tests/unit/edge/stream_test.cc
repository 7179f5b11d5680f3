// A server's end of a TLS connection, and OpenSSL as the client: what is left of the connection
// after its handshake.
#include "edge/stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "edge/tls_context.h"
#include "tests/support/client_hello.h"
#include "tests/support/tls_files.h"

namespace cairn::edge {
namespace {

using Status = Stream::Status;

class StreamTest : public testing::Test {
 protected:
  StreamTest() {
    SSL_CTX_set_mode(client_context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }

  // A connection before its handshake.
  void Connect() {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    stream_ = std::make_unique<Stream>(UniqueFd(fds[0]), context_->NewServerConnection(fds[0]));
    client_fd_ = UniqueFd(fds[1]);
    client_.reset(SSL_new(client_context_.get()));
    SSL_set_fd(client_.get(), fds[1]);
    SSL_set_connect_state(client_.get());
  }
  // One after it.
  void Open() {
    Connect();
    if (resumed_) SSL_set_session(client_.get(), resumed_);
    Status status = Status::kWantRead;
    while (status == Status::kWantRead) {
      ERR_clear_error();
      SSL_do_handshake(client_.get());
      status = stream_->Handshake();
    }
    ASSERT_EQ(status, Status::kOk) << Stream::LastTlsError();
  }
  bool TakenOver() const { return stream_->tls() && stream_->ssl() == nullptr; }

  std::string Read(Status expected = Status::kWantRead) {
    std::string read;
    for (;;) {
      const Stream::Result result = stream_->Read(buffer_);
      read.append(buffer_.data(), result.bytes);
      if (result.status == Status::kOk) continue;
      EXPECT_EQ(result.status, expected);
      return read;
    }
  }
  // How much of it the socket took.
  size_t Write(std::string_view text) {
    size_t written = 0;
    while (written < text.size()) {
      const Stream::Result result = stream_->Write(text.substr(written));
      if (result.status != Status::kOk) break;
      written += result.bytes;
    }
    return written;
  }
  std::string ClientReads() {
    std::string read;
    for (;;) {
      ERR_clear_error();
      const int n = SSL_read(client_.get(), buffer_.data(), static_cast<int>(buffer_.size()));
      if (n <= 0) return read;
      read.append(buffer_.data(), static_cast<size_t>(n));
    }
  }
  bool ClientWrites(std::string_view text) {
    return SSL_write(client_.get(), text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size());
  }
  void ExpectBothWays() {
    ASSERT_TRUE(ClientWrites("to the server"));
    EXPECT_EQ(Read(), "to the server");
    EXPECT_EQ(Write("to the client"), 13u);
    EXPECT_EQ(ClientReads(), "to the client");
  }

  TlsFiles files_;
  std::shared_ptr<const TlsContext> context_ = *TlsContext::Load(files_.cert, files_.key);
  SslContextPtr client_context_{SSL_CTX_new(TLS_client_method())};
  std::unique_ptr<Stream> stream_;
  UniqueFd client_fd_;
  SslPtr client_;
  SSL_SESSION* resumed_ = nullptr;
  std::array<char, 64 << 10> buffer_;
};

TEST_F(StreamTest, EachSuiteOfTls13IsTakenFromOpenSsl) {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    ASSERT_EQ(SSL_CTX_set_ciphersuites(client_context_.get(), suite), 1);
    Open();
    EXPECT_TRUE(TakenOver()) << suite;
    EXPECT_STREQ(stream_->tls_version(), "TLSv1.3");
    ExpectBothWays();
    ExpectBothWays();
  }
}

TEST_F(StreamTest, Tls12StaysWithOpenSsl) {
  SSL_CTX_set_max_proto_version(client_context_.get(), TLS1_2_VERSION);
  Open();
  EXPECT_FALSE(TakenOver());
  EXPECT_STREQ(stream_->tls_version(), "TLSv1.2");
  ExpectBothWays();
}

TEST_F(StreamTest, AClientThatWantsShortRecordsStaysWithOpenSsl) {
  SSL_CTX_set_tlsext_max_fragment_length(client_context_.get(), TLSEXT_max_fragment_length_512);
  Open();
  EXPECT_FALSE(TakenOver());
  ExpectBothWays();
}

TEST_F(StreamTest, AClientMayResumeItsSessionOrWantNoTicket) {
  Open();
  ExpectBothWays();
  SSL_SESSION* const session = SSL_get1_session(client_.get());
  // A session whose connection is not shut down is not resumed (SSL_set_shutdown(3)).
  SSL_set_shutdown(client_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  resumed_ = session;
  Open();
  EXPECT_TRUE(TakenOver());
  EXPECT_TRUE(SSL_session_reused(client_.get()));
  ExpectBothWays();
  SSL_SESSION_free(session);
  resumed_ = nullptr;
  // No ticket is sent then: the server's data are its first record.
  SSL_CTX_set_options(client_context_.get(), SSL_OP_NO_TICKET);
  Open();
  EXPECT_TRUE(TakenOver());
  ExpectBothWays();
}

TEST_F(StreamTest, AHandshakeIsAnsweredOnceTheClientHasSaidAllOfItsHello) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Connect();
    EXPECT_FALSE(stream_->HasAnswered());
    // As two records: the length of the message, and the rest.
    const std::string hello = ClientHello(version);
    constexpr size_t kHeader = 5, kBegun = 4;
    const std::string begin(hello, 0, 3), said(hello, kHeader);
    const auto record = [&](const std::string& part) {
      const std::string size = {static_cast<char>(part.size() >> 8),
                                static_cast<char>(part.size())};
      return begin + size + part;
    };
    const std::string first = record(said.substr(0, kBegun)), second = record(said.substr(kBegun));
    for (const std::string& part : {first.substr(0, 1), first.substr(1), second}) {
      EXPECT_FALSE(stream_->HasAnswered());
      ASSERT_EQ(send(client_fd_.get(), part.data(), part.size(), 0),
                static_cast<ssize_t>(part.size()));
      ASSERT_EQ(stream_->Handshake(), Status::kWantRead) << Stream::LastTlsError();
    }
    EXPECT_TRUE(stream_->HasAnswered());
  }
}

TEST_F(StreamTest, ToAskForAnotherKeyShareIsNoAnswer) {
  ASSERT_EQ(SSL_CTX_set1_groups_list(client_context_.get(), "X25519:P-256"), 1);
  Connect();
  ASSERT_EQ(SSL_set1_groups_list(const_cast<SSL*>(stream_->ssl()), "P-256"), 1);
  SSL_do_handshake(client_.get());
  ASSERT_EQ(stream_->Handshake(), Status::kWantRead);
  EXPECT_FALSE(stream_->HasAnswered());
  SSL_do_handshake(client_.get());
  ASSERT_EQ(stream_->Handshake(), Status::kWantRead);
  EXPECT_TRUE(stream_->HasAnswered());
  ASSERT_EQ(SSL_do_handshake(client_.get()), 1);
  ASSERT_EQ(stream_->Handshake(), Status::kOk);
  EXPECT_TRUE(stream_->HasAnswered());
  ExpectBothWays();
}

TEST_F(StreamTest, AClientThatHasLeftBeforeTheAnswerGetsNone) {
  Connect();
  SSL_do_handshake(client_.get());
  shutdown(client_fd_.get(), SHUT_WR);
  EXPECT_EQ(stream_->Handshake(), Status::kClosed);
  EXPECT_STREQ(Stream::LastTlsError(), "");
  EXPECT_LT(recv(client_fd_.get(), buffer_.data(), buffer_.size(), 0), 0);
}

TEST_F(StreamTest, AClientThatLeavesBecauseOfTheAnswerIsHeard) {
  SSL_CTX_set_verify(client_context_.get(), SSL_VERIFY_PEER, nullptr);
  Connect();
  SSL_do_handshake(client_.get());
  ASSERT_EQ(stream_->Handshake(), Status::kWantRead);
  ASSERT_LT(SSL_do_handshake(client_.get()), 1);
  shutdown(client_fd_.get(), SHUT_WR);
  EXPECT_EQ(stream_->Handshake(), Status::kLost);
  EXPECT_THAT(Stream::LastTlsError(), testing::HasSubstr("unknown ca"));
}

TEST_F(StreamTest, DataThatComesWithTheEndOfTheHandshakeIsNotLost) {
  Connect();
  SSL_do_handshake(client_.get());
  ASSERT_EQ(stream_->Handshake(), Status::kWantRead);
  ASSERT_EQ(SSL_do_handshake(client_.get()), 1);
  ASSERT_TRUE(ClientWrites("early"));
  ASSERT_EQ(stream_->Handshake(), Status::kOk);
  EXPECT_TRUE(TakenOver());
  EXPECT_EQ(Read(), "early");
  ExpectBothWays();
}

TEST_F(StreamTest, AClientMayUpdateItsKeysAndAskForOurs) {
  Open();
  for (const int kind :
       {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    ASSERT_EQ(SSL_key_update(client_.get(), kind), 1);
    ExpectBothWays();
    ExpectBothWays();
  }
}

TEST_F(StreamTest, LargeDataGoesThroughASmallSocketBuffer) {
  Open();
  const int small = 4096;
  setsockopt(stream_->fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  std::string data(300'000, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 251);
  std::string_view rest = data;
  std::string received;
  size_t most_held = 0;
  while (!rest.empty()) {
    rest.remove_prefix(Write(rest));
    most_held = std::max(most_held, stream_->held_bytes());
    received += ClientReads();
  }
  received += ClientReads();
  EXPECT_TRUE(received == data);
  EXPECT_GT(most_held, 0u) << "the socket took everything";
  EXPECT_LE(most_held, TlsRecords::kMaxSealed);
  EXPECT_EQ(stream_->held_bytes(), 0u);
}

TEST_F(StreamTest, ARecordThatComesInPartsIsHeldUntilItIsWhole) {
  Open();
  const std::string data(10'000, 'x');
  ASSERT_TRUE(ClientWrites(data));
  // The first bytes of it, through another pair of sockets.
  std::string sealed(20'000, '\0');
  const ssize_t n = recv(stream_->fd(), sealed.data(), sealed.size(), 0);
  ASSERT_GT(n, 10'000);
  sealed.resize(static_cast<size_t>(n));
  std::string read;
  for (size_t at = 0; at < sealed.size(); at += 999) {
    const std::string part = sealed.substr(at, 999);
    ASSERT_EQ(send(client_fd_.get(), part.data(), part.size(), 0),
              static_cast<ssize_t>(part.size()));
    read += Read();
    EXPECT_EQ(stream_->held_bytes() > 0, read.empty());
  }
  EXPECT_EQ(read, data);
}

TEST_F(StreamTest, BothEndsCloseInOrder) {
  Open();
  ASSERT_TRUE(ClientWrites("last"));
  SSL_shutdown(client_.get());
  const Stream::Result last = stream_->Read(buffer_);
  EXPECT_EQ(last.status, Status::kOk);
  EXPECT_TRUE(stream_->HasPending()) << "the socket has nothing more to say";
  EXPECT_EQ(Read(Status::kClosed), "");
  stream_->ShutdownWrite();
  EXPECT_EQ(SSL_shutdown(client_.get()), 1) << "no close_notify came";
}

TEST_F(StreamTest, AnEndWithoutACloseNotifyIsAnEnd) {
  Open();
  EXPECT_EQ(ClientReads(), "");  // what it has not read would make it a reset
  client_.reset();
  client_fd_.Reset();
  EXPECT_EQ(Read(Status::kClosed), "");
}

TEST_F(StreamTest, WhatIsNoRecordIsAnsweredWithAnAlert) {
  Open();
  ASSERT_EQ(send(client_fd_.get(), "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
  EXPECT_EQ(Read(Status::kLost), "");
  EXPECT_EQ(ClientReads(), "");
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
}

}  // namespace
}  // namespace cairn::edge
