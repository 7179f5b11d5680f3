// GrpcCoreStream: a CoreStream as one call of lane.proto's Lanes.Open, on a channel of its own.
//
// A channel per stream looks the core's name up anew, tries each of its addresses, and has no
// back-off of its own.
//
// Thread: CoreStream's methods on the loop. gRPC's callbacks copy and post; what they share is guarded by mu_.
// Bounds: kMaxInboxCost of messages that the loop has not taken (then the stream is not read).
// Errors: whatever ends the call goes to OnStreamEnded().
#ifndef CAIRN_EDGE_GRPC_CORE_STREAM_H_
#define CAIRN_EDGE_GRPC_CORE_STREAM_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "edge/core_stream.h"
#include "edge/link_factory.h"

namespace grpc {
class Channel;
}

namespace cairn::edge {

class GrpcCoreStreamOpener final : public CoreStreamOpener {
 public:
  static constexpr size_t kMaxInboxCost = 8 << 20;

  using NewChannel = std::function<std::shared_ptr<grpc::Channel>()>;

  // `token`: presented on every call; empty: none.
  GrpcCoreStreamOpener(NewChannel new_channel, std::string token, LoopExecutor& executor);
  std::unique_ptr<CoreStream> OpenStream(CoreStreamListener& listener) override;

 private:
  // Immutable after construction.
  const NewChannel new_channel_;
  const std::string token_;
  // Borrowed; must outlive this.
  LoopExecutor& executor_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_GRPC_CORE_STREAM_H_
