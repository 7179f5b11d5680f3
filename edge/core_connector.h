// CoreConnector: establishes one connection to a core for HTTP/2: TCP and, if configured, TLS.
//
//   dialing ──connected──▶ TLS handshake ──done──▶ done
//
// Each phase has its own time-out, so that a core that is busy with many handshakes does not have
// to start them again.
//
// Owner:  one Http2CoreStream.
// Thread: its loop.
// Bounds: a time for the look-up and TCP that the owner gives, link::kHandshakeTimeout for TLS.
// Errors: UNAVAILABLE with the address and the reason.
#ifndef CAIRN_EDGE_CORE_CONNECTOR_H_
#define CAIRN_EDGE_CORE_CONNECTOR_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "edge/core_target.h"
#include "edge/core_tls.h"
#include "edge/dialer.h"
#include "edge/link_factory.h"
#include "edge/name_lookup.h"
#include "edge/stream.h"

namespace cairn::edge {

class CoreConnector final : private SocketListener {
 public:
  using Done = std::function<void(absl::StatusOr<Stream>)>;

  // Starts at once; `done` is called once, on the loop, never from within this call, and may
  // destroy the connector. The socket that it gets is not watched. `tls`: null for plaintext.
  // `patience`: for the look-up and TCP. `executor`, `target` and `lookup` must outlive the
  // connector.
  CoreConnector(LoopExecutor& executor, const CoreTarget& target,
                std::shared_ptr<const CoreTls> tls, NameLookup& lookup, Dialer::Wishes wishes,
                absl::Duration patience, Done done);
  // Cancels; `done` is not called.
  ~CoreConnector();
  CoreConnector(const CoreConnector&) = delete;
  CoreConnector& operator=(const CoreConnector&) = delete;

  // The address that it is connected to, for people; empty while dialing.
  const std::string& address() const { return address_; }
  // As Dialer::Connected has them.
  bool preferred() const { return preferred_; }
  bool alone() const { return alone_; }

 private:
  void OnSocketReady(uint32_t epoll_events) override;
  void OnConnected(absl::StatusOr<Dialer::Connected> connected);
  void Handshake();
  void Watch(uint32_t epoll_events);
  // After `wait`, unless it has finished by then.
  void FailAfter(absl::Duration wait, const char* missing, bool while_dialing);
  void Fail(const std::string& why);
  void Finish(absl::StatusOr<Stream> result);

  // Borrowed; must outlive this.
  LoopExecutor& executor_;
  const CoreTarget& target_;
  // Immutable after construction.
  const std::shared_ptr<const CoreTls> tls_;
  // Loop thread only.
  Done done_;
  std::optional<Dialer> dialer_;  // dialing
  std::optional<Stream> socket_;  // TLS handshake
  std::string address_;
  bool preferred_ = true;
  bool alone_ = true;
  uint32_t watched_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_CONNECTOR_H_
