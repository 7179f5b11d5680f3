// LaneCores: the cores that a lane may use, and what its streams have learned of each. It outlives
// the streams, which come one after the other.
//
// Owner:  one Http2CoreStreamOpener.
// Thread: its loop.
#ifndef CAIRN_EDGE_LANE_CORES_H_
#define CAIRN_EDGE_LANE_CORES_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "edge/core_return.h"
#include "edge/core_turns.h"
#include "edge/http2_core_stream_opener.h"
#include "edge/name_lookup.h"

namespace cairn::edge {

struct LaneCores {
  static constexpr size_t kReadBytes = 64 << 10;

  // One of the targets.
  struct Core {
    explicit Core(LoopExecutor& executor) : lookup(executor) {}

    NameLookup lookup;
    // The address that the lane is with, or was last.
    std::string last_good;
    // An address that accepted a connection which then failed: it is tried last.
    std::string avoid;
  };

  LaneCores(Http2CoreStreamOpener::Options stream_options, LoopExecutor& loop, const Clock& time)
      : options(std::move(stream_options)), executor(loop), clock(time) {
    CAIRN_CHECK(executor.sockets() != nullptr && !options.targets.empty());
    for (size_t i = 0; i < options.targets.size(); ++i) cores.emplace_back(executor);
  }

  // Immutable after construction.
  const Http2CoreStreamOpener::Options options;
  // Borrowed; must outlive this.
  LoopExecutor& executor;
  const Clock& clock;
  // Loop thread only.
  std::deque<Core> cores;  // by their place among the targets
  CoreTurns turns{options.targets.size()};
  CoreReturn way_back{options, executor, clock};
  const std::unique_ptr<char[]> read_buffer = std::make_unique<char[]>(kReadBytes);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LANE_CORES_H_
