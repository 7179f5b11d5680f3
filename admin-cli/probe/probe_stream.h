// ProbeStream: a TCP connection, in TLS or not: one type, so that Beast's WebSocket code is
// compiled once. For beast_network.cc alone.
//
// Thread: the probe's.
// Bounds: keeps the first kMaxHeadBytes that were received.
#ifndef CAIRN_ADMIN_CLI_PROBE_PROBE_STREAM_H_
#define CAIRN_ADMIN_CLI_PROBE_PROBE_STREAM_H_

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>
#include <cstddef>
#include <string>
#include <utility>

namespace cairn::admin {

class ProbeStream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using executor_type = Socket::executor_type;
  using TlsStream = boost::asio::ssl::stream<Socket>;

  ProbeStream(boost::asio::io_context& io, boost::asio::ssl::context& tls) : stream_(io, tls) {}

  executor_type get_executor() { return stream_.get_executor(); }
  Socket& socket() { return stream_.next_layer(); }
  TlsStream& StartTls() {
    in_tls_ = true;
    return stream_;
  }

  template <typename Buffers, typename Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    // Beast keeps nothing of a response whose body it cannot parse.
    const boost::asio::mutable_buffer first = *boost::asio::buffer_sequence_begin(buffers);
    const auto executor = boost::asio::get_associated_executor(handler, get_executor());
    auto listen = boost::asio::bind_executor(
        executor, [this, first, handler = std::forward<Handler>(handler)](
                      boost::system::error_code error, size_t size) mutable {
          const size_t wanted = std::min({size, first.size(), kMaxHeadBytes - heard_.size()});
          heard_.append(static_cast<const char*>(first.data()), wanted);
          handler(error, size);
        });
    if (in_tls_) return stream_.async_read_some(buffers, std::move(listen));
    socket().async_read_some(buffers, std::move(listen));
  }
  template <typename Buffers, typename Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (in_tls_) return stream_.async_write_some(buffers, std::forward<Handler>(handler));
    socket().async_write_some(buffers, std::forward<Handler>(handler));
  }

  // The first bytes received.
  const std::string& heard() const { return heard_; }

  // Called by Beast. TLS's close_notify is skipped, since the Close frames have been exchanged. The
  // other side's FIN is not waited for, since its Close frame has told the result.
  template <typename Handler>
  friend void async_teardown(boost::beast::role_type, ProbeStream& stream, Handler&& handler) {
    boost::system::error_code ignored;
    stream.socket().shutdown(Socket::shutdown_send, ignored);
    const auto executor = boost::asio::get_associated_executor(handler, stream.get_executor());
    boost::asio::post(executor, [handler = std::forward<Handler>(handler)]() mutable {
      handler(boost::system::error_code());
    });
  }
  friend void beast_close_socket(ProbeStream& stream) {
    boost::system::error_code ignored;
    stream.socket().close(ignored);
  }

 private:
  static constexpr size_t kMaxHeadBytes = 16 << 10;

  TlsStream stream_;
  bool in_tls_ = false;
  std::string heard_;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_PROBE_STREAM_H_
