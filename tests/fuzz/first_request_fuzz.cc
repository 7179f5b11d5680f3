// The beginning of a connection to the core's gRPC port, as any caller can send it.
//
// Checks: no byte string crashes it or takes more than its bounds; where the input is cut makes no
// difference; what gRPC is handed is what came, without one acknowledgement.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/first_request.h"
#include "core/http2_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cairn::core;
  if (size == 0) return 0;
  // The first octet is where it is cut. Most inputs are to get beyond the preface.
  const size_t cut = data[0];
  std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (cut % 4 != 0) {
    input = std::string(http2::kPreface) + http2::Frame(http2::kSettings, 0, 0, "") + input;
    if (cut % 4 == 1) input += http2::Frame(http2::kSettings, http2::kAck, 0, "");
  }
  const std::string_view view = input;
  FirstRequest whole, parts;
  whole.Take(view);
  for (std::string_view rest = view; !rest.empty();
       rest.remove_prefix(std::min(cut + 1, rest.size())))
    parts.Take(rest.substr(0, cut + 1));
  if (whole.path() != parts.path() || whole.authorization() != parts.authorization()) {
    // Bounds of the whole input depend on how much comes at once.
    if (size < FirstRequest::kMaxBytes) std::abort();
  }
  if (size < FirstRequest::kMaxBytes && whole.state() != parts.state()) std::abort();
  if (parts.path().size() + parts.authorization().size() > FirstRequest::kMaxHeaderBytes)
    std::abort();
  if (parts.state() == FirstRequest::State::kComplete) {
    const std::string& received = parts.received();
    constexpr size_t kAck = http2::kFrameHeaderBytes;
    if (received.size() + kAck != input.size() || received != whole.received()) std::abort();
    if (received.compare(0, http2::kPreface.size(), http2::kPreface) != 0) std::abort();
  }
  return 0;
}
