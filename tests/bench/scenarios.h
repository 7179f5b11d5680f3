// The scenarios of cairn-load, each in a file of its own.
//
// Each fills `report` and returns what went wrong in it; nothing when it could not run, which has
// been said on stderr.
#ifndef CAIRN_TESTS_BENCH_SCENARIOS_H_
#define CAIRN_TESTS_BENCH_SCENARIOS_H_

#include <optional>

#include "tests/bench/load_options.h"
#include "tests/bench/report.h"

namespace cairn::bench {

// Two peers a topic. Either `in_flight` messages go to and fro for ever, each sent when one has
// come (what a message costs), or messages are sent at a fixed rate, whatever comes (how long one
// takes, from when it was due).
std::optional<Faults> RunPairs(const LoadOptions& options, Report& report);

// One publisher, many subscribers of one topic; the next message is sent when all have got the one
// `in_flight` before.
std::optional<Faults> RunFanout(const LoadOptions& options, Report& report);

// Idle connections with topics: how much memory they take.
std::optional<Faults> RunIdle(const LoadOptions& options, Report& report);

// Connections with topics that say nothing and stay until stdin ends: who is told again to a core
// that is new. Prints "ready" when all are there.
std::optional<Faults> RunHold(const LoadOptions& options, Report& report);

// Many connections end at once: how much this delays a pair of others.
std::optional<Faults> RunVanish(const LoadOptions& options, Report& report);

// Pairs of clients that know nothing but a topic come at a fixed rate: how long until they have
// exchanged an offer, an answer and their candidates.
std::optional<Faults> RunDiscovery(const LoadOptions& options, Report& report);

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_SCENARIOS_H_
