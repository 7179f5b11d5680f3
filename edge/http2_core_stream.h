// Http2CoreStream: a CoreStream as a gRPC call on a connection of its own, on the loop's thread.
//
//   connecting ──CoreConnector──▶ open ──▶ ended
//
// While it is connecting, it tries one core after the other (CoreTurns). The core's first HTTP/2
// frame must arrive within link::kHandshakeTimeout of the connection. Each stream resolves the
// cores' names anew.
//
// Owner:  one LaneLink.
// Thread: its loop.
// Bounds: one message each way, kReadBytes a read, kOutputBytes that the kernel has not accepted.
// Errors: whatever ends the call goes to OnStreamEnded().
#ifndef CAIRN_EDGE_HTTP2_CORE_STREAM_H_
#define CAIRN_EDGE_HTTP2_CORE_STREAM_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "edge/core_failback.h"
#include "edge/core_order.h"
#include "edge/core_stream.h"
#include "edge/core_target.h"
#include "edge/core_tls.h"
#include "edge/core_turns.h"
#include "edge/link_factory.h"
#include "edge/name_lookup.h"

namespace cairn::edge {

class CoreReturn;

class Http2CoreStreamOpener final : public CoreStreamOpener {
 public:
  static constexpr size_t kReadBytes = 64 << 10;
  static constexpr size_t kOutputBytes = 64 << 10;

  struct Options {
    std::vector<CoreTarget> targets;  // one at the least; the preferred one first
    CoreOrder order;                  // of the addresses of a name
    // Null: a lane stays with the core that it has, even if a preferred one is back.
    std::shared_ptr<CoreFailback> failback;
    std::shared_ptr<const CoreTls> tls;  // null: plaintext
    std::string token;                   // presented on every call; empty: none
    std::string version;                 // for the user agent
  };

  // `executor`, which has sockets(), and `clock` must outlive this and its streams.
  Http2CoreStreamOpener(Options options, LoopExecutor& executor, const Clock& clock);
  ~Http2CoreStreamOpener() override;
  std::unique_ptr<CoreStream> OpenStream(CoreStreamListener& listener) override;

 private:
  class Stream;
  // One of the targets.
  struct Core {
    explicit Core(LoopExecutor& executor) : lookup(executor) {}

    NameLookup lookup;
    // The address that the lane is with, or was last.
    std::string last_good;
    // An address that accepted a connection which then failed: it is tried last.
    std::string avoid;
  };

  // Immutable after construction.
  const Options options_;
  // Borrowed; must outlive this.
  LoopExecutor& executor_;
  const Clock& clock_;
  // Loop thread only.
  std::deque<Core> cores_;
  CoreTurns turns_;
  const std::unique_ptr<CoreReturn> return_;
  const std::unique_ptr<char[]> read_buffer_;
  // When the lane last left a core that had fallen silent.
  absl::Duration left_silent_ = -absl::InfiniteDuration();
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HTTP2_CORE_STREAM_H_
