// OpsServer: a small HTTP server for operators: fixed paths, each answered by a function.
//
// GET and HEAD only. A connection is kept while requests keep coming. Shares its port with a second
// process (SO_REUSEPORT), as the clients' port is shared while one process takes over from another.
//
// Owner:  Ops.
// Thread: its own runs the handlers, one at a time. The rest of the interface: the owner's.
// Bounds: OpsServerOptions. A connection above max_connections replaces the one that has been idle
//         for the longest, so that no client can keep others out.
// Errors: UNAVAILABLE when the address cannot be listened on. A bad request gets 400, 404, 405, 413
//         or 431; a slow one is closed.
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
  // From the end of one answer to the end of the next request; also for sending an answer.
  absl::Duration timeout = absl::Seconds(10);
};

class OpsServer {
 public:
  using Handler = std::function<OpsAnswer()>;
  // By path, such as "/healthz"; a query is ignored.
  using Handlers = std::map<std::string, Handler>;

  // Binds and listens; answers from Start() on.
  static absl::StatusOr<std::unique_ptr<OpsServer>> Open(const OpsServerOptions& options,
                                                         Handlers handlers);
  // Closes open connections.
  ~OpsServer();

  // May be called once.
  void Start();
  // With the real port where 0 was requested.
  const SocketAddress& address() const { return address_; }

 private:
  class Http;
  explicit OpsServer(std::unique_ptr<Http> http);

  SocketAddress address_;
  std::unique_ptr<Http> http_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPS_SERVER_H_
