// FrameReader: the client's reading of WebSocket frames. Bytes in, frames out.
//
// Strict on purpose: a server may not mask (RFC 6455 5.1), and this one promises never to fragment
// and to use the shortest length.
#ifndef CAIRN_TESTS_BENCH_FRAME_READER_H_
#define CAIRN_TESTS_BENCH_FRAME_READER_H_

#include <cstdint>
#include <string_view>

namespace cairn::bench {

struct Frame {
  uint8_t opcode = 0;
  std::string_view payload;  // into the input
};

enum class FrameStatus { kFrame, kNeedMore, kBroken };

// Takes the first frame from the front of `in`; leaves `in` alone otherwise.
FrameStatus TakeFrame(std::string_view& in, Frame& frame);

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_FRAME_READER_H_
