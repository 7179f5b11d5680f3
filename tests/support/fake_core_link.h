// FakeCoreLink: a link that keeps what a lane says, in place of a core.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_CORE_LINK_H_
#define CAIRN_TESTS_SUPPORT_FAKE_CORE_LINK_H_

#include <utility>
#include <vector>

#include "edge/core_link.h"

namespace cairn::edge {

class FakeCoreLink final : public CoreLink {
 public:
  void Submit(signaling::v1::LaneToCore& batch) override {
    submitted.emplace_back().Swap(&batch);
    batch.Clear();
  }
  void Tick() override {}
  bool congested() const override { return false; }
  bool can_break() const override { return true; }
  bool connected() const override { return true; }
  size_t backlog_bytes() const override { return backlog; }
  const BatchHistogram& batches() const override { return batch_sizes; }

  // The events of all batches since the last call, in order.
  std::vector<signaling::v1::LaneEvent> TakeEvents() {
    std::vector<signaling::v1::LaneEvent> events;
    for (signaling::v1::LaneToCore& batch : submitted) {
      for (signaling::v1::LaneEvent& event : *batch.mutable_events()) {
        events.push_back(std::move(event));
      }
    }
    submitted.clear();
    return events;
  }

  std::vector<signaling::v1::LaneToCore> submitted;
  size_t backlog = 0;
  BatchHistogram batch_sizes;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_FAKE_CORE_LINK_H_
