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

// Two peers a topic. Either each answers every message, with `in_flight` messages at a time (what a
// message costs), or messages are sent at a fixed rate (the latency, from the time when a message
// was due).
std::optional<Faults> RunPairs(const LoadOptions& options, Report& report);

// One publisher, many subscribers of one topic, with `in_flight` messages at a time: the next one
// is sent when all subscribers have received an earlier one.

std::optional<Faults> RunFanout(const LoadOptions& options, Report& report);

// Idle connections with topics: how much memory they take.
std::optional<Faults> RunIdle(const LoadOptions& options, Report& report);

// Idle connections with topics that stay open until stdin ends: the peers that edges tell a
// restarted core. Prints "ready" when all are connected.
std::optional<Faults> RunHold(const LoadOptions& options, Report& report);

// Many connections end at once: how much this delays a pair of others.
std::optional<Faults> RunVanish(const LoadOptions& options, Report& report);

// Pairs of clients that know nothing but a topic come at a fixed rate: how long until they have
// exchanged an offer, an answer and their candidates.
std::optional<Faults> RunDiscovery(const LoadOptions& options, Report& report);

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_SCENARIOS_H_
