// FakeEdgeSink: a lane's end of the core that keeps what the router sends.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_EDGE_SINK_H_
#define CAIRN_TESTS_SUPPORT_FAKE_EDGE_SINK_H_

#include <deque>
#include <utility>
#include <vector>

#include "core/edge_sink.h"
#include "core/sent_messages.h"

namespace cairn::core {

class FakeEdgeSink final : public EdgeSink {
 public:
  void Send(signaling::v1::CoreToLane& message) override {
    signaling::v1::CoreToLane copy = message;
    sent.Keep(copy);
    messages.emplace_back().Swap(&message);
    message.Clear();
  }
  bool acknowledges() const override { return acknowledging; }
  std::deque<signaling::v1::CoreToLane> TakeUnanswered() override { return sent.Take(); }
  void Close(const absl::Status& status) override { closes.push_back(status); }

  std::vector<signaling::v1::CoreToLane> TakeMessages() { return std::exchange(messages, {}); }
  // The deliveries of all messages since the last call, in order.
  std::vector<signaling::v1::Delivery> TakeDeliveries() {
    std::vector<signaling::v1::Delivery> deliveries;
    for (signaling::v1::CoreToLane& message : messages) {
      for (signaling::v1::Delivery& delivery : *message.mutable_deliveries()) {
        deliveries.push_back(std::move(delivery));
      }
    }
    messages.clear();
    return deliveries;
  }

  // As a lane of another process does, which can lose what it was sent.
  bool acknowledging = true;
  SentMessages sent;
  std::vector<signaling::v1::CoreToLane> messages;
  std::vector<absl::Status> closes;
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_FAKE_EDGE_SINK_H_
