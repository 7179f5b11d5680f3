// RouterLinks: a router, and the figures that tests check when a lane's stream breaks, hangs or is
// replaced.
#ifndef CAIRN_TESTS_SUPPORT_ROUTER_LINKS_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_ROUTER_LINKS_FIXTURE_H_

#include <memory>
#include <vector>

#include "tests/support/fake_edge_sink.h"
#include "tests/support/router_fixture.h"
#include "tests/support/steady_times.h"

namespace cairn::core {

class RouterLinks : public RouterTest {
 protected:
  // The statuses that the lane's stream was closed with.
  static std::vector<absl::StatusCode> Closes(const std::shared_ptr<FakeLaneStream>& stream) {
    std::vector<absl::StatusCode> codes;
    for (const absl::Status& status : stream->closes) codes.push_back(status.code());
    return codes;
  }
  uint64_t GivenUpDeliveries(LaneEnd reason) const {
    return router_->counters().deliveries_given_up[static_cast<size_t>(reason)];
  }
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_ROUTER_LINKS_FIXTURE_H_
