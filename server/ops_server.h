// OpsServer: a small HTTP server for those who operate the process: fixed paths, answered by
// functions.
//
// GET and HEAD only; keeps connections for as long as the other side asks often enough. Shares its
// port with a second process (SO_REUSEPORT), as the clients' port is shared while one process takes
// over from another.
//
// Thread: one of its own, on which handlers run, one at a time. The rest of the interface: the
//         owner's.
// Bounds: OpsServerOptions. A connection above max_connections takes the place of the one that has
//         been without a request for the longest, so that nobody can keep others out.
// Errors: UNAVAILABLE when the address cannot be listened on. A bad request gets 400, 404, 405, 413
//         or 431, a slow one is cut off.
#ifndef CAIRN_SERVER_OPS_SERVER_H_
#define CAIRN_SERVER_OPS_SERVER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/address.h"

namespace cairn::server {

struct OpsAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

struct OpsServerOptions {
  SocketAddress address;
  size_t max_connections = 64;
  size_t max_request_bytes = 8 << 10;
  // From the end of one answer to the end of the next request, and for sending the answer.
  absl::Duration timeout = absl::Seconds(10);
};

class OpsServer {
 public:
  using Handler = std::function<OpsAnswer()>;
  // By path, as "/healthz"; a query behind it does not count.
  using Handlers = std::map<std::string, Handler>;

  // Bound and listening; answers from Start() on.
  static absl::StatusOr<std::unique_ptr<OpsServer>> Open(const OpsServerOptions& options,
                                                         Handlers handlers);
  // Ends open connections.
  ~OpsServer();

  // Once.
  void Start();
  // With the real port where 0 was asked for.
  const SocketAddress& address() const { return address_; }

 private:
  class Http;
  explicit OpsServer(std::unique_ptr<Http> http);

  SocketAddress address_;
  std::unique_ptr<Http> http_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPS_SERVER_H_
