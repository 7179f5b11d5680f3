// The adapter to Asio and Beast. It is the only file that includes them, because that takes half a
// minute to compile.
#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstring>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "admin-cli/printing/printable.h"
#include "admin-cli/printing/version.h"
#include "admin-cli/probe/error.h"
#include "admin-cli/probe/network.h"
#include "admin-cli/probe/probe_stream.h"
#include "admin-cli/probe/resolve.h"
#include "admin-cli/probe/tls.h"

namespace cairn::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using beast::error_code;

constexpr size_t kMaxMessageBytes = 1 << 20;

class BeastConnection final : public ProbeConnection {
 public:
  BeastConnection(asio::io_context& io, asio::ssl::context& tls, absl::Duration timeout)
      : io_(io), timeout_(absl::ToChronoMilliseconds(timeout)), ws_(io, tls) {}
  ~BeastConnection() override { Abandon(); }

  absl::Status Connect(const SocketAddress& address) override {
    tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), address.get(),
                std::min<size_t>(address.size(), endpoint.capacity()));
    endpoint.resize(address.size());
    const error_code error = Await(
        [&](auto done) { ws_.next_layer().socket().async_connect(endpoint, std::move(done)); });
    if (!error) ws_.next_layer().socket().set_option(tcp::no_delay(true));
    return ProbeStatus(error);
  }

  absl::StatusOr<TlsFacts> StartTls(const std::string& host) override {
    ProbeStream::TlsStream& stream = ws_.next_layer().StartTls();
    int verify_error = X509_V_OK;
    // Continues after an error, so that everything about the certificate can be reported.
    stream.set_verify_callback([&verify_error](bool trusted, asio::ssl::verify_context& context) {
      if (!trusted && verify_error == X509_V_OK)
        verify_error = X509_STORE_CTX_get_error(context.native_handle());
      return true;
    });
    ExpectHost(stream.native_handle(), host);
    const error_code error = Await([&](auto done) {
      stream.async_handshake(asio::ssl::stream_base::client, std::move(done));
    });
    if (error.category() == asio::error::get_ssl_category() &&
        ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER) {
      return absl::FailedPreconditionError(
          "this port does not speak TLS: is it ws:// instead of wss://?");
    }
    if (error) return ProbeStatus(error);
    return InspectTls(stream.native_handle(), verify_error, host);
  }

  absl::StatusOr<UpgradeAnswer> Upgrade(const UpgradeRequest& request) override {
    ws_.read_message_max(kMaxMessageBytes);
    ws_.set_option(websocket::stream_base::decorator([&request](websocket::request_type& head) {
      head.set(http::field::user_agent, "cairn-admin/" + std::string(kVersion));
      if (!request.token.empty()) head.set(http::field::authorization, "Bearer " + request.token);
    }));
    ws_.control_callback([this](websocket::frame_type kind, beast::string_view) {
      if (kind == websocket::frame_type::ping) ++pings_;
    });
    websocket::response_type response;
    const error_code error = Await([&](auto done) {
      ws_.async_handshake(response, request.host_header, request.target, std::move(done));
    });
    if (!error) return Opened(response);
    if (const std::optional<UpgradeAnswer> answer = AnswerHeard(); answer && answer->status != 101)
      return *answer;
    const bool not_websocket =
        error.category() == make_error_code(websocket::error::closed).category();
    if (error.category() == make_error_code(http::error::end_of_stream).category()) {
      return absl::FailedPreconditionError("the answer is not HTTP");
    }
    if (not_websocket) {
      return absl::FailedPreconditionError(
          fmt::format("not a WebSocket server: {}", error.message()));
    }
    return ProbeStatus(error);
  }

  absl::Status Send(const std::string& message) override {
    if (!ended_.ok()) return ended_;
    ws_.binary(true);
    return OrWhyItEnded(ProbeStatus(Await([&](auto done) {
      ws_.async_write(asio::buffer(message),
                      [done = std::move(done)](error_code error, size_t) mutable { done(error); });
    })));
  }

  absl::StatusOr<std::string> Receive(absl::Duration patience) override {
    RunUntil([this] { return !inbox_.empty() || !ended_.ok(); },
             absl::ToChronoMicroseconds(patience));
    if (!inbox_.empty()) {
      std::string message = std::move(inbox_.front());
      inbox_.pop_front();
      inbox_bytes_ -= message.size();
      return message;
    }
    if (!ended_.ok()) return ended_;
    return absl::DeadlineExceededError("nothing came");
  }

  absl::Status Ended() const override { return ended_; }
  uint32_t pings() const override { return pings_; }

  absl::Status Close() override {
    if (!ended_.ok()) return ended_;
    return OrWhyItEnded(ProbeStatus(Await(
        [&](auto done) { ws_.async_close(websocket::close_code::normal, std::move(done)); })));
  }

 private:
  // Serves all connections until `over` or the time is up.
  template <typename Over>
  bool RunUntil(Over over, std::chrono::microseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    const auto work = asio::make_work_guard(io_);
    io_.restart();
    while (!over() && std::chrono::steady_clock::now() < end) io_.run_one_until(end);
    return over();
  }

  // Starts an operation with a handler and serves all connections until it is done. If the time is
  // up first, the connection is lost.
  template <typename Start>
  error_code Await(Start start) {
    const auto result = std::make_shared<std::pair<bool, error_code>>();
    start([result](error_code error) { *result = {true, error}; });
    if (RunUntil([&] { return result->first; }, timeout_)) return result->second;
    Abandon();
    RunUntil([&] { return result->first; }, timeout_);
    return asio::error::timed_out;
  }

  // A response with status 101. It must not select anything, since nothing was offered (RFC 6455
  // section 4.1).
  absl::StatusOr<UpgradeAnswer> Opened(const websocket::response_type& response) {
    for (const http::field field :
         {http::field::sec_websocket_protocol, http::field::sec_websocket_extensions}) {
      if (response.count(field) == 0) continue;
      return absl::FailedPreconditionError(fmt::format(
          "the answer has {} '{}', which was not offered: clients refuse that",
          std::string(http::to_string(field)), Printable(std::string(response[field]))));
    }
    Read();
    return UpgradeAnswer{101, Printable(std::string(response[http::field::server])), ""};
  }

  // The response to the upgrade, even if its body could not be read; nothing if there was no
  // complete head.
  std::optional<UpgradeAnswer> AnswerHeard() {
    const std::string& heard = ws_.next_layer().heard();
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    error_code error;
    parser.put(asio::buffer(heard), error);
    if (!parser.is_header_done()) return std::nullopt;
    const auto header = [&parser](http::field name) {
      return Printable(std::string(parser.get()[name]));
    };
    return UpgradeAnswer{static_cast<int>(parser.get().result_int()), header(http::field::server),
                         header(http::field::location), header(http::field::retry_after)};
  }

  // A write fails when the server has closed the connection: its Close frame tells why.
  absl::Status OrWhyItEnded(absl::Status status) {
    if (status.ok()) return status;
    constexpr std::chrono::seconds kPatience{1};
    RunUntil([this] { return !ended_.ok(); }, kPatience);
    return ended_.ok() ? status : ended_;
  }

  void Abandon() {
    error_code ignored;
    ws_.next_layer().socket().close(ignored);
  }

  // A read is always in progress, also so that pings are answered.
  void Read() {
    ws_.async_read(buffer_, [this](error_code error, size_t) {
      if (error) {
        ended_ = EndStatus(error);
        return;
      }
      inbox_bytes_ += buffer_.size();
      if (inbox_bytes_ > kMaxInboxBytes) {
        ended_ = absl::AbortedError("the server sends more and more that nobody asked for");
        return Abandon();
      }
      inbox_.push_back(beast::buffers_to_string(buffer_.data()));
      buffer_.clear();
      Read();
    });
  }

  absl::Status EndStatus(error_code error) const {
    if (error != websocket::error::closed) return absl::AbortedError(ProbeStatus(error).message());
    const websocket::close_reason& reason = ws_.reason();
    return absl::AbortedError(
        fmt::format("the server closed the connection: {} {}", reason.code,
                    Printable(std::string(reason.reason.data(), reason.reason.size()))));
  }

  asio::io_context& io_;
  const std::chrono::milliseconds timeout_;
  websocket::stream<ProbeStream, /*deflateSupported=*/false> ws_;
  beast::flat_buffer buffer_;
  std::deque<std::string> inbox_;
  size_t inbox_bytes_ = 0;
  absl::Status ended_;
  uint32_t pings_ = 0;
};

class BeastNetwork final : public ProbeNetwork {
 public:
  explicit BeastNetwork(absl::Duration timeout)
      : timeout_(timeout), tls_(asio::ssl::context::tls_client) {}

  absl::Status Trust(const std::string& ca) {
    error_code error;
    if (ca.empty()) {
      tls_.set_default_verify_paths(error);
    } else {
      tls_.load_verify_file(ca, error);
    }
    SSL_CTX_set_verify(tls_.native_handle(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    if (!error) return absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format("--ca: cannot read certificates from '{}'", ca));
  }

  absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host,
                                                     const std::string& port) override {
    return admin::Resolve(host, port, timeout_);
  }
  std::unique_ptr<ProbeConnection> NewConnection() override {
    return std::make_unique<BeastConnection>(io_, tls_, timeout_);
  }
  void Wait(absl::Duration duration) override {
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoMicroseconds(duration);
    const auto work = asio::make_work_guard(io_);
    io_.restart();
    io_.run_until(end);
  }

 private:
  const absl::Duration timeout_;
  asio::io_context io_;
  asio::ssl::context tls_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ProbeNetwork>> NewProbeNetwork(absl::Duration timeout,
                                                              const std::string& ca) {
  auto network = std::make_unique<BeastNetwork>(timeout);
  if (absl::Status status = network->Trust(ca); !status.ok()) return status;
  return std::unique_ptr<ProbeNetwork>(std::move(network));
}

}  // namespace cairn::admin
