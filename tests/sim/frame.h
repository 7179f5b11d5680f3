// Frame: a message that a client was sent, parsed from the bytes of its WebSocket frame.
//
// Parses only what the server writes: one unmasked frame; CBOR maps with text keys, or a
// JSON result.
//
// Owner:  the caller. Its strings are views into the frame.
#ifndef CAIRN_TESTS_SIM_FRAME_H_
#define CAIRN_TESTS_SIM_FRAME_H_

#include <cstdint>
#include <string_view>

namespace cairn::sim {

struct Frame {
  std::string_view
      name;  // "Relay", "Subscribed", …; "result" for JSON; empty: it could not be read
  std::string_view topic;
  std::string_view payload;
  std::string_view peer;  // "from" or "peer"
  uint64_t number = 0;    // "id" or "others"
  uint64_t reached = 0;
};

Frame ReadFrame(std::string_view frame);

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_FRAME_H_
