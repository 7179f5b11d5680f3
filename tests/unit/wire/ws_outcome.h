// WsOutcome: what a WebSocket server makes of the bytes of a client: this project's WsDecoder, and
// Boost.Beast's stream, which is the yardstick.
#ifndef CAIRN_TESTS_UNIT_WIRE_WS_OUTCOME_H_
#define CAIRN_TESTS_UNIT_WIRE_WS_OUTCOME_H_

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "proto/wire/ws_decoder.h"

namespace cairn::wire {

inline constexpr size_t kMaxMessageBytes = 70'000;

struct WsOutcome {
  struct Item {
    WsDecoder::EventType type;
    std::string data;  // for kClose: the code in decimal, a blank, the reason
    bool operator==(const Item&) const = default;
  };

  std::vector<Item> items;
  // Of the Close frame that the server sends; 0: none, the connection would go on.
  int close_code = 0;
  bool operator==(const WsOutcome&) const = default;
};
void PrintTo(const WsOutcome& outcome, std::ostream* out);

WsOutcome Ours(std::string stream);
// `read_bytes`: how much Beast gets at a time.
WsOutcome Beasts(const std::string& stream, size_t read_bytes);

}  // namespace cairn::wire

#endif  // CAIRN_TESTS_UNIT_WIRE_WS_OUTCOME_H_
