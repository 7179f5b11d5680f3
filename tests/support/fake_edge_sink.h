// FakeEdgeSink: a lane of the router's process that keeps what the router sends.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_EDGE_SINK_H_
#define CAIRN_TESTS_SUPPORT_FAKE_EDGE_SINK_H_

#include <utility>
#include <vector>

#include "core/edge_sink.h"

namespace cairn::core {

class FakeEdgeSink final : public EdgeSink {
 public:
  void Send(signaling::v1::CoreToLane& message) override {
    messages.emplace_back().Swap(&message);
    message.Clear();
  }
  void OnHandled(signaling::v1::LaneToCore&&) override { ++handled; }

  std::vector<signaling::v1::CoreToLane> TakeMessages() { return std::exchange(messages, {}); }

  std::vector<signaling::v1::CoreToLane> messages;
  int handled = 0;  // batches that were given back
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_FAKE_EDGE_SINK_H_
