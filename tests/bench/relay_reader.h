// The client's reading of a Relay, which reaches subscribers in canonical CBOR whatever form it was
// sent in, and of the Joined of cairn.signal.v2.
#ifndef CAIRN_TESTS_BENCH_RELAY_READER_H_
#define CAIRN_TESTS_BENCH_RELAY_READER_H_

#include <string_view>

namespace cairn::bench {

struct ReceivedRelay {
  std::string_view topic;
  std::string_view payload;
};

// False: `message` is not exactly one canonical Relay; in `v2`, with its sender behind the payload.
bool ReadRelay(std::string_view message, bool v2, ReceivedRelay& relay);

// False: `message` is not exactly one canonical Joined.
bool ReadJoined(std::string_view message, std::string_view& topic, std::string_view& peer);

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_RELAY_READER_H_
