// Bytes as an edge with a credential can send them to the core: messages of up to three lanes, as
// they are on the wire, through the parser, the link and the router, together with honest lanes.
//
// Input: pieces of [what, size, size, message]; `what` is the lane in its low bits, and what
// happens before. Checks: HostileWorld's.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/hostile_world.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cairn;
  core::HostileWorld world;
  constexpr size_t kHead = 3;
  while (size >= kHead) {
    const uint8_t what = data[0];
    const int lane = what % 4;
    size_t length = data[1] | static_cast<size_t>(data[2]) << 8;
    data += kHead;
    size -= kHead;
    if (length > size) length = size;
    if ((what & 0x80) != 0) world.Break(lane);
    if ((what & 0x40) != 0) world.Pass(absl::Milliseconds(500));
    if ((what & 0x20) != 0) world.Relay();
    if ((what & 0x10) != 0) world.SetWritable(lane, (what & 0x08) != 0);
    signaling::v1::LaneToCore message;
    if (message.ParseFromArray(data, static_cast<int>(length))) {
      if (world.is_open(lane)) {
        world.Batch(lane, std::move(message));
      } else {
        world.Open(lane, message);
      }
    } else {
      // gRPC ends a call whose message cannot be read.
      world.Break(lane);
    }
    data += length;
    size -= length;
    world.Check();
  }
  return 0;
}
