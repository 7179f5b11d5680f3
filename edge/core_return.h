// CoreReturn: moves a lane back to a core that it prefers, once that core is well.
//
// While the lane is connected to another core, it probes the preferred ones, in their order,
// whenever CoreFailback allows this lane to; when CoreFailback decides that all lanes return, this
// one does.
//
// Owner:  one Http2CoreStreamOpener.
// Thread: its loop.
// Bounds: one probe at a time.
#ifndef CAIRN_EDGE_CORE_RETURN_H_
#define CAIRN_EDGE_CORE_RETURN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "edge/core_probe.h"
#include "edge/http2_core_stream_opener.h"

namespace cairn::edge {

class CoreReturn {
 public:
  // All must outlive this.
  CoreReturn(const Http2CoreStreamOpener::Options& options, LoopExecutor& executor,
             const Clock& clock);

  // The lane is with this core, of Options::targets. `preferred`: at the address of it that it
  // prefers.
  void OnConnected(size_t core, const std::string& address, bool preferred);
  // Every tick while it is connected: whether it must leave its core now.
  bool Tick();

 private:
  // The first of the preferred cores that answers is reported; none: that is reported.
  void Probe(size_t core);

  // Borrowed; must outlive this.
  const Http2CoreStreamOpener::Options& options_;
  LoopExecutor& executor_;
  const Clock& clock_;
  // Loop thread only.
  size_t core_ = 0;
  std::string address_;
  bool preferred_ = true;
  uint64_t moves_seen_ = 0;
  std::unique_ptr<CoreProbe> probe_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_RETURN_H_
