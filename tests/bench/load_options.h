// LoadOptions: what cairn-load is asked to do.
//
// Errors: ParseLoadOptions() names the invalid option on stderr.
#ifndef CAIRN_TESTS_BENCH_LOAD_OPTIONS_H_
#define CAIRN_TESTS_BENCH_LOAD_OPTIONS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cairn::bench {

struct LoadOptions {
  std::string scenario;         // pairs, fanout, idle, hold, vanish, discovery
  std::vector<uint16_t> ports;  // --ports, on 127.0.0.1: peers are dealt to them in turn
  std::vector<pid_t> servers;   // --servers: processes whose CPU and memory are measured
  double seconds = 3;           // --seconds that are measured
  double warmup_seconds = 1;    // --warmup before them
  size_t payload_bytes = 200;   // --payload
  size_t pairs = 100;           // --pairs
  size_t in_flight = 1;         // --in-flight: messages of a pair, or of the publisher
  // --rate: messages a second in all; 0: as fast as --in-flight allows. Of discovery: rendezvous.
  double rate = 0;
  size_t subscribers = 500;  // --subscribers
  size_t peers = 10'000;     // --peers that idle, or vanish
  size_t topics = 3;         // --topics of each of those
  bool reset = false;        // --reset: who vanishes leaves with a reset instead of a FIN
  size_t candidates = 5;     // --candidates: each way, of a rendezvous
  bool v2 = false;           // --v2: rendezvous by cairn.signal.v2
};

// Nothing: an option was invalid, and stderr names it.
std::optional<LoadOptions> ParseLoadOptions(int argc, char** argv);

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_LOAD_OPTIONS_H_
