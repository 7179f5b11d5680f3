#include "edge/http2_core_stream_opener.h"

#include <utility>

#include "edge/http2_core_stream.h"
#include "edge/lane_cores.h"

namespace cairn::edge {

Http2CoreStreamOpener::Http2CoreStreamOpener(Options options, LoopExecutor& executor,
                                             const Clock& clock)
    : cores_(std::make_unique<LaneCores>(std::move(options), executor, clock)) {}

Http2CoreStreamOpener::~Http2CoreStreamOpener() = default;

std::unique_ptr<CoreStream> Http2CoreStreamOpener::OpenStream(CoreStreamListener& listener) {
  return std::make_unique<Http2CoreStream>(*cores_, listener);
}

}  // namespace cairn::edge
