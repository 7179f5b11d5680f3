#include "admin-cli/probe/error.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace cairn::admin {

namespace asio = boost::asio;

absl::Status ProbeStatus(const boost::system::error_code& error) {
  if (!error) return absl::OkStatus();
  if (error == asio::error::timed_out) {
    return absl::DeadlineExceededError(
        "no answer in time: does a firewall drop it? --timeout gives it longer");
  }
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
    return absl::UnavailableError("the other side ended the connection without a word");
  }
  if (error == asio::error::connection_reset) {
    return absl::UnavailableError("the other side reset the connection");
  }
  if (error == asio::error::connection_refused) {
    return absl::UnavailableError("connection refused: is the server running, is the port right?");
  }
  return absl::UnavailableError(error.message());
}

}  // namespace cairn::admin
