// Http2CoreStream: a CoreStream as a gRPC call on a connection of its own, on the loop's thread.
//
//   connecting ──CoreConnector──▶ open ──▶ ended
//
// The core's first HTTP/2 frame must arrive within link::kHandshakeTimeout of the connection. Each
// stream resolves the core's name anew.
//
// Owner:  one LaneLink.
// Thread: its loop.
// Bounds: one message each way, kReadBytes a read, kOutputBytes that the kernel has not accepted.
// Errors: whatever ends the call goes to OnStreamEnded().
#ifndef CAIRN_EDGE_HTTP2_CORE_STREAM_H_
#define CAIRN_EDGE_HTTP2_CORE_STREAM_H_

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "edge/core_stream.h"
#include "edge/core_target.h"
#include "edge/core_tls.h"
#include "edge/link_factory.h"
#include "edge/name_lookup.h"

namespace cairn::edge {

class Http2CoreStreamOpener final : public CoreStreamOpener {
 public:
  static constexpr size_t kReadBytes = 64 << 10;
  static constexpr size_t kOutputBytes = 64 << 10;

  struct Options {
    CoreTarget target;
    std::shared_ptr<const CoreTls> tls;  // null: plaintext
    std::string token;                   // presented on every call; empty: none
    std::string version;                 // for the user agent
  };

  // `executor`, which has sockets(), and `clock` must outlive this and its streams.
  Http2CoreStreamOpener(Options options, LoopExecutor& executor, const Clock& clock);
  std::unique_ptr<CoreStream> OpenStream(CoreStreamListener& listener) override;

 private:
  class Stream;

  // Immutable after construction.
  const Options options_;
  // Borrowed; must outlive this.
  LoopExecutor& executor_;
  const Clock& clock_;
  // Loop thread only.
  NameLookup lookup_;
  const std::unique_ptr<char[]> read_buffer_;
  // An address that accepted a connection which then failed: the next stream tries it last.
  std::string avoid_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HTTP2_CORE_STREAM_H_
