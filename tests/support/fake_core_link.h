// FakeCoreLink: a link without a core, which keeps the batches that a lane submits.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_CORE_LINK_H_
#define CAIRN_TESTS_SUPPORT_FAKE_CORE_LINK_H_

#include <limits>
#include <utility>
#include <vector>

#include "edge/core_link.h"
#include "proto/link/cost.h"

namespace cairn::edge {

class FakeCoreLink final : public CoreLink {
 public:
  explicit FakeCoreLink(CoreLinkListener& listener) : listener_(listener) {}

  void Start() override {
    if (begins_at_once) listener_.OnSession({});
  }
  void Submit(signaling::v1::LaneToCore& batch) override {
    if (room != kUnlimited) room -= std::min(room, link::CostOf(batch));
    unaccepted_cost += link::CostOf(batch);
    batches_.Add(batch.events_size());
    submitted.emplace_back().Swap(&batch);
    batch.Clear();
  }
  void SubmitApart(signaling::v1::LaneToCore& batch) override {
    ++apart;
    Submit(batch);
  }
  void Flush() override { ++flushes; }
  int large_batch() const override { return large; }
  size_t Room() const override { return room; }
  size_t cost() const override { return unaccepted_cost; }
  void Tick() override {}
  bool can_break() const override { return breakable; }
  bool connected() const override { return true; }
  const BatchHistogram& batches() const override { return batches_; }

  // ---- as the core
  void Begin(CoreSession session) { listener_.OnSession(std::move(session)); }
  void BeginKind(CoreSession::Kind kind, std::vector<signaling::v1::LaneToCore> unaccepted = {}) {
    CoreSession session;
    session.kind = kind;
    session.unaccepted = std::move(unaccepted);
    unaccepted_cost = 0;
    Begin(std::move(session));
  }
  // The link has room for that much more.
  void MakeRoom(size_t cost) {
    room += cost;
    listener_.OnRoom();
  }
  // The core has handled all submitted batches; they are kept.
  void AcceptAll() {
    for (signaling::v1::LaneToCore batch : submitted) listener_.OnAccepted(batch);
    unaccepted_cost = 0;
  }
  // The events of all batches since the last call, in order.
  std::vector<signaling::v1::LaneEvent> TakeEvents() {
    std::vector<signaling::v1::LaneEvent> events;
    for (signaling::v1::LaneToCore& batch : std::exchange(submitted, {})) {
      for (signaling::v1::LaneEvent& event : *batch.mutable_events())
        events.push_back(std::move(event));
    }
    return events;
  }

  static constexpr size_t kUnlimited = std::numeric_limits<int64_t>::max();
  size_t flushes = 0;
  int large = std::numeric_limits<int>::max();
  bool begins_at_once = true;
  bool breakable = true;
  size_t room = kUnlimited;
  size_t unaccepted_cost = 0;
  size_t apart = 0;  // how many of the submitted batches have a message of their own
  std::vector<signaling::v1::LaneToCore> submitted;

 private:
  CoreLinkListener& listener_;
  BatchHistogram batches_;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_FAKE_CORE_LINK_H_
