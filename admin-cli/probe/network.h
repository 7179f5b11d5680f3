// ProbeNetwork: the DNS, TCP, TLS and WebSocket operations that the probe uses; an interface, so
// that probe.cc needs no sockets.
//
// Thread: one. Every call blocks, at most for the time-out it was made with, and meanwhile serves
//         all connections (answers pings).
// Errors: a Status whose message says what happened and, where possible, what to do.
//         DEADLINE_EXCEEDED for time-outs.
#ifndef CAIRN_ADMIN_CLI_PROBE_NETWORK_H_
#define CAIRN_ADMIN_CLI_PROBE_NETWORK_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace cairn::admin {

struct TlsFacts {
  std::string version;
  std::string cipher;
  std::string
      subject;  // of the server's certificate: its common name, otherwise its first host name
  std::string issuer;
  absl::Time not_after;  // the earliest expiry in the certificate's chain
  std::string problem;   // why it is not trusted, and what to do; "" if it is trusted
};

struct UpgradeAnswer {
  int status = 0;  // 101 when it went well
  std::string server;
  std::string location;
  std::string retry_after = {};
};

struct UpgradeRequest {
  std::string host_header;
  std::string target;
  std::string token;  // "": none
};

class ProbeConnection {
 public:
  // A server that sends more than this unrequested has failed.
  static constexpr size_t kMaxInboxBytes = 1 << 20;

  virtual ~ProbeConnection() = default;

  virtual absl::Status Connect(const SocketAddress& address) = 0;
  // OK also when the certificate is not trusted.
  virtual absl::StatusOr<TlsFacts> StartTls(const std::string& host) = 0;
  virtual absl::StatusOr<UpgradeAnswer> Upgrade(const UpgradeRequest& request) = 0;
  virtual absl::Status Send(const std::string& message) = 0;
  // The next message; at most kMaxInboxBytes are buffered. DEADLINE_EXCEEDED after `patience`,
  // ABORTED when the connection has ended.
  virtual absl::StatusOr<std::string> Receive(absl::Duration patience) = 0;
  // Why the connection ended without Close(); OK while it is open.
  virtual absl::Status Ended() const = 0;
  virtual uint32_t pings() const = 0;
  // Closes with 1000 and waits for the answer.
  virtual absl::Status Close() = 0;
};

class ProbeNetwork {
 public:
  virtual ~ProbeNetwork() = default;

  virtual absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host,
                                                             const std::string& port) = 0;
  virtual std::unique_ptr<ProbeConnection> NewConnection() = 0;
  // Serves the connections for that long.
  virtual void Wait(absl::Duration duration) = 0;
};

// The real implementation. `ca`: a PEM file; "": the system's authorities. INVALID_ARGUMENT when it
// cannot be read.
absl::StatusOr<std::unique_ptr<ProbeNetwork>> NewProbeNetwork(absl::Duration timeout,
                                                              const std::string& ca);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_NETWORK_H_
