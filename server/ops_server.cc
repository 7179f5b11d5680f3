#include "server/ops_server.h"

#include <absl/strings/str_cat.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <list>
#include <thread>
#include <utility>

namespace cairn::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

// I/O errors as values.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// After an accept that failed, for example because no descriptors are left.
constexpr std::chrono::milliseconds kAcceptPause{200};
// Limits how much of unread answers the kernel buffers, so that pipelined requests are not all
// answered at once.
constexpr int kSendBuffer = 64 << 10;
// After the last answer.
constexpr std::chrono::seconds kLinger{1};

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;
using Streams = std::list<beast::tcp_stream>;

absl::Status SystemError(const SocketAddress& address) {
  const char* hint = errno == EADDRINUSE
                         ? "; end the process that has it, or give another --ops-listen-addr"
                         : "; give another --ops-listen-addr";
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address.ToString(), ": ", std::strerror(errno), hint));
}

// Owned by the caller; -1 and errno on failure.
int OpenListener(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bind(fd, address.get(), address.size()) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

OpsAnswer Refusal(http::status status) {
  const beast::string_view reason = http::obsolete_reason(status);
  OpsAnswer answer;
  answer.status = static_cast<int>(status);
  answer.body = absl::StrCat(absl::string_view(reason.data(), reason.size()), "\n");
  return answer;
}

OpsAnswer RefusalFor(const beast::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Refusal(http::status::request_header_fields_too_large);
  }
  return Refusal(http::status::bad_request);
}

// A server must accept the absolute form too (RFC 9112 section 3.2.2).
beast::string_view OriginForm(beast::string_view target) {
  constexpr size_t kSchemeBytes = 7;
  if (!beast::iequals(target.substr(0, kSchemeBytes), "http://")) return target;
  const size_t path = target.find('/', kSchemeBytes);
  return path == target.npos ? "/" : target.substr(path);
}

Response ToResponse(OpsAnswer answer, unsigned version) {
  Response response(static_cast<http::status>(answer.status), version);
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

}  // namespace

class OpsServer::Http {
 public:
  Http(const OpsServerOptions& options, Handlers handlers, int listener)
      : options_(options),
        handlers_(std::move(handlers)),
        acceptor_(io_, options_.address.family() == AF_INET6 ? tcp::v6() : tcp::v4(), listener),
        pause_(io_) {}
  ~Http() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  int fd() { return acceptor_.native_handle(); }
  void Start() {
    asio::co_spawn(io_, AcceptAll(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }

 private:
  asio::awaitable<void> AcceptAll();
  asio::awaitable<void> Serve(Streams::iterator open);
  // Those before a request (RFC 9112 section 2.2). False when the connection has ended.
  static asio::awaitable<bool> SkipEmptyLines(beast::tcp_stream& stream,
                                              beast::flat_buffer& buffer);
  asio::awaitable<bool> Answer(beast::tcp_stream& stream, OpsAnswer answer, const Request& request,
                               bool keep_alive);
  OpsAnswer AnswerFor(const Request& request, bool complete) const;
  void ExpireSoon(beast::tcp_stream& stream) const {
    stream.expires_after(absl::ToChronoNanoseconds(options_.timeout));
  }

  // Immutable after construction.
  const OpsServerOptions options_;
  const Handlers handlers_;
  // Its thread only.
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  Streams open_;  // the one with the latest request is last
  std::thread thread_;
};

asio::awaitable<void> OpsServer::Http::AcceptAll() {
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (error) {
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(kAwait);
      continue;
    }
    beast::error_code ignored;
    socket.set_option(asio::socket_base::send_buffer_size(kSendBuffer), ignored);
    if (open_.size() >= options_.max_connections) open_.front().close();
    const auto stream = open_.emplace(open_.end(), std::move(socket));
    asio::co_spawn(io_, Serve(stream),
                   [this, stream](const std::exception_ptr&) { open_.erase(stream); });
  }
}

asio::awaitable<void> OpsServer::Http::Serve(Streams::iterator open) {
  beast::tcp_stream& stream = *open;
  beast::flat_buffer buffer(options_.max_request_bytes);
  for (bool keep_alive = true; keep_alive;) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<uint32_t>(options_.max_request_bytes));
    parser.body_limit(boost::none);  // the body is not read
    ExpireSoon(stream);
    if (!co_await SkipEmptyLines(stream, buffer)) break;
    const auto [error, size] = co_await http::async_read_header(stream, buffer, parser, kAwait);
    if (!error) {
      open_.splice(open_.end(), open_, open);
      OpsAnswer answer = AnswerFor(parser.get(), parser.is_done());
      keep_alive = parser.is_done() && parser.get().keep_alive();
      keep_alive = co_await Answer(stream, std::move(answer), parser.get(), keep_alive);
    } else {
      // Input that is not HTTP gets an answer; a client that sends nothing, or stops sending, gets
      // none.
      if (error.category() != http::make_error_code(http::error::bad_method).category() ||
          error == http::error::end_of_stream || error == http::error::partial_message) {
        break;
      }
      keep_alive = co_await Answer(stream, RefusalFor(error), parser.get(), false);
    }
  }
  beast::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  // Remaining input, such as a body, is read and discarded for a moment: if it were left unread,
  // the kernel would reset the connection and discard the answer.
  stream.expires_after(kLinger);
  std::array<char, 4096> rest;
  for (size_t discarded = 0; discarded < options_.max_request_bytes;) {
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(rest), kAwait);
    if (error) break;
    discarded += size;
  }
}

asio::awaitable<bool> OpsServer::Http::SkipEmptyLines(beast::tcp_stream& stream,
                                                      beast::flat_buffer& buffer) {
  constexpr size_t kRead = 4096;
  for (;;) {
    const auto* bytes = static_cast<const char*>(buffer.data().data());
    while (buffer.size() >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
      buffer.consume(2);
      bytes = static_cast<const char*>(buffer.data().data());
    }
    const bool undecided = buffer.size() == 0 || (buffer.size() == 1 && bytes[0] == '\r');
    if (!undecided) co_return true;
    const size_t room = std::min(kRead, buffer.max_size() - buffer.size());
    const auto [error, size] = co_await stream.async_read_some(buffer.prepare(room), kAwait);
    if (error) co_return false;
    buffer.commit(size);
  }
}

asio::awaitable<bool> OpsServer::Http::Answer(beast::tcp_stream& stream, OpsAnswer answer,
                                              const Request& request, bool keep_alive) {
  Response response = ToResponse(std::move(answer), request.version() == 10 ? 10 : 11);
  response.keep_alive(keep_alive);
  http::response_serializer<http::string_body> serializer(response);
  // A HEAD response has the length but not the body (RFC 9110 section 9.3.2).
  const bool head_only = request.method() == http::verb::head;
  ExpireSoon(stream);
  const auto [error, size] = head_only
                                 ? co_await http::async_write_header(stream, serializer, kAwait)
                                 : co_await http::async_write(stream, serializer, kAwait);
  co_return !error && keep_alive;
}

OpsAnswer OpsServer::Http::AnswerFor(const Request& request, bool complete) const {
  // RFC 9112 section 3.2.
  if (request.version() == 11 && request.count(http::field::host) != 1)
    return Refusal(http::status::bad_request);
  const beast::string_view target = OriginForm(request.target());
  const beast::string_view path = target.substr(0, target.find('?'));
  const auto handler = handlers_.find(std::string(path.data(), path.size()));
  if (handler == handlers_.end()) return Refusal(http::status::not_found);
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return Refusal(http::status::method_not_allowed);
  }
  if (!complete) return Refusal(http::status::payload_too_large);
  return handler->second();
}

OpsServer::OpsServer(std::unique_ptr<Http> http)
    : address_(SocketAddress::OfSocket(http->fd())), http_(std::move(http)) {}

OpsServer::~OpsServer() = default;

absl::StatusOr<std::unique_ptr<OpsServer>> OpsServer::Open(const OpsServerOptions& options,
                                                           Handlers handlers) {
  const int listener = OpenListener(options.address);
  if (listener < 0) return SystemError(options.address);
  auto http = std::make_unique<Http>(options, std::move(handlers), listener);
  return std::unique_ptr<OpsServer>(new OpsServer(std::move(http)));
}

void OpsServer::Start() { http_->Start(); }

}  // namespace cairn::server
