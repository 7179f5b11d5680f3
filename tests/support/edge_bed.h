// EdgeBed: the environment of a session: a lane with a fake link, counters, limits and a clock.
#ifndef CAIRN_TESTS_SUPPORT_EDGE_BED_H_
#define CAIRN_TESTS_SUPPORT_EDGE_BED_H_

#include "edge/session.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_core_link.h"

namespace cairn::edge {

struct EdgeBed {
  FakeClock clock_;
  EdgeLimits limits_;
  EdgeCounters counters_;
  Lane lane_{{42, "edge-1", 0}, limits_, counters_, clock_};
  FakeCoreLink link_{lane_};
  wire::MessageReader reader_;
  SessionContext context_{lane_, limits_, counters_, reader_};
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_EDGE_BED_H_
