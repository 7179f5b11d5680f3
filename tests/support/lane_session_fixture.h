// LaneSession: a lane, and the events that it has sent to its cores.
#ifndef CAIRN_TESTS_SUPPORT_LANE_SESSION_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_LANE_SESSION_FIXTURE_H_

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/support/lane_fixture.h"

namespace cairn::edge {

class LaneSession : public LaneTest {
 protected:
  using Kind = CoreSession::Kind;

  // The numbers of the events sent since the last call; 0 for an event without one.
  std::vector<uint64_t> NumbersTold() {
    lane_.Flush();
    std::vector<uint64_t> numbers;
    for (const signaling::v1::LaneEvent& event : link_.TakeEvents()) numbers.push_back(event.seq());
    return numbers;
  }
  // Only the numbers of relays.
  std::vector<uint64_t> RelaysTold() {
    std::vector<uint64_t> numbers = NumbersTold();
    std::erase(numbers, 0u);
    return numbers;
  }
  // The batches that were submitted and not accepted, as the link returns them.
  std::vector<signaling::v1::LaneToCore> Unaccepted() {
    lane_.Flush();
    return std::exchange(link_.submitted, {});
  }
  // The core accepts everything sent since the last call.
  void Accept() {
    lane_.Flush();
    link_.AcceptAll();
    link_.submitted.clear();
  }
  // For each subscription sent since the last call: whether it is new.
  std::vector<bool> NewTold() {
    lane_.Flush();
    std::vector<bool> flags;
    for (const signaling::v1::LaneEvent& event : link_.TakeEvents()) {
      if (event.kind() == signaling::v1::LaneEvent::KIND_SUBSCRIBED)
        flags.push_back(event.is_new());
    }
    return flags;
  }
  void BeginAfter(Kind kind, absl::Duration outage,
                  std::vector<signaling::v1::LaneToCore> unaccepted) {
    CoreSession session;
    session.kind = kind;
    session.outage = outage;
    session.unaccepted = std::move(unaccepted);
    link_.unaccepted_cost = 0;
    link_.Begin(std::move(session));
  }
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_LANE_SESSION_FIXTURE_H_
