// Http2CoreStreamOpener: opens a lane's streams to its cores, and remembers what they have learned
// of them.
//
// Owner:  one LaneLink.
// Thread: its loop.
#ifndef CAIRN_EDGE_HTTP2_CORE_STREAM_OPENER_H_
#define CAIRN_EDGE_HTTP2_CORE_STREAM_OPENER_H_

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "edge/core_failback.h"
#include "edge/core_order.h"
#include "edge/core_stream.h"
#include "edge/core_target.h"
#include "edge/core_tls.h"
#include "edge/link_factory.h"

namespace cairn::edge {

struct LaneCores;

class Http2CoreStreamOpener final : public CoreStreamOpener {
 public:
  struct Options {
    std::vector<CoreTarget> targets;  // at least one; the most preferred first
    CoreOrder order;                  // of the addresses of a name
    // Null: a lane does not return to a more preferred core.
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
  const std::unique_ptr<LaneCores> cores_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HTTP2_CORE_STREAM_OPENER_H_
