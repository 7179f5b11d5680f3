// The client's reading of a Relay, which reaches subscribers in canonical CBOR whatever form it was
// sent in.
#ifndef CAIRN_TESTS_BENCH_RELAY_READER_H_
#define CAIRN_TESTS_BENCH_RELAY_READER_H_

#include <string_view>

namespace cairn::bench {

struct ReceivedRelay {
  std::string_view topic;
  std::string_view payload;
};

// False: `message` is not exactly one canonical Relay.
bool ReadRelay(std::string_view message, ReceivedRelay& relay);

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_RELAY_READER_H_
