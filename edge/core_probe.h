// CoreProbe: learns whether a core can be reached: connects, begins a lane's call, waits for the
// core's first HTTP/2 frame, and cancels the call. The core hears of no lane.
//
// Owner:  one CoreReturn, or one Http2CoreStream.
// Thread: its loop.
// Bounds: link::kConnectTimeout, then link::kHandshakeTimeout for TLS, then link::kImpatientTimeout.
// Errors: all the same: there is nothing found.
#ifndef CAIRN_EDGE_CORE_PROBE_H_
#define CAIRN_EDGE_CORE_PROBE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "edge/core_connector.h"
#include "edge/http2_call.h"
#include "edge/http2_core_stream_opener.h"
#include "edge/stream.h"

namespace cairn::edge {

class CoreProbe final : private SocketListener {
 public:
  struct Found {
    std::string address;
    bool preferred;  // Dialer::Connected has it
  };
  using Done = std::function<void(std::optional<Found>)>;

  // Starts at once; `done` is called once, on the loop, never from within this call, and may
  // destroy the probe. The others must outlive it. `avoid`: an address that is tried last.
  CoreProbe(const Http2CoreStreamOpener::Options& options, const CoreTarget& target,
            LoopExecutor& executor, const Clock& clock, Done done, const std::string& avoid = "");
  // Cancels; `done` is not called.
  ~CoreProbe();

 private:
  void OnConnected(absl::StatusOr<Stream> socket);
  void OnSocketReady(uint32_t epoll_events) override;
  void Flush();
  void Finish(bool well);

  // Borrowed; must outlive this.
  LoopExecutor& executor_;
  const Clock& clock_;
  // Loop thread only.
  Done done_;
  Http2Call call_;
  NameLookup lookup_;
  std::optional<CoreConnector> connector_;
  std::optional<Stream> socket_;  // connected
  Found found_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_PROBE_H_
