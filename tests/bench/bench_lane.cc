#include "tests/bench/bench_lane.h"

#include <grpcpp/channel.h>

#include <utility>

namespace cairn::bench {

using signaling::v1::LaneEvent;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

BenchLane::BenchLane(const std::shared_ptr<grpc::Channel>& channel, uint64_t lane_id,
                     const std::string& edge, OnDelivery on_delivery)
    : stub_(Lanes::NewStub(channel)), on_delivery_(std::move(on_delivery)) {
  signaling::v1::Hello* hello = next_.mutable_hello();
  hello->set_protocol_version(1);
  hello->set_lane_id(lane_id);
  hello->set_edge(edge);
  hello->set_version("bench");
  next_.add_events()->set_kind(LaneEvent::KIND_SNAPSHOT_END);
  stub_->async()->Open(&context_, this);
  AddHold();  // writes come from other threads, until the destructor
  StartRead(&received_);
  StartCall();
  LaneToCore nothing;
  Send(nothing);
}

BenchLane::~BenchLane() {
  context_.TryCancel();
  RemoveHold();
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return done_; });
}

void BenchLane::Send(LaneToCore& batch) {
  {
    const std::lock_guard lock(mu_);
    for (LaneEvent& event : *batch.mutable_events()) next_.add_events()->Swap(&event);
    batch.Clear();
    if (!TakeNext()) return;
  }
  StartWrite(&writing_);
}

bool BenchLane::TakeNext() {
  if (in_flight_ || broken_ || next_.events_size() == 0) return false;
  next_.set_delivered_seq(delivered_seq_);
  writing_.Clear();
  writing_.Swap(&next_);
  in_flight_ = true;
  return true;
}

bool BenchLane::Flush() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return broken_ || (!in_flight_ && next_.events_size() == 0); });
  return !broken_;
}

bool BenchLane::broken() {
  const std::lock_guard lock(mu_);
  return broken_;
}

void BenchLane::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(mu_);
    in_flight_ = false;
    broken_ = broken_ || !ok;
    changed_.notify_all();
    if (!TakeNext()) return;
  }
  StartWrite(&writing_);
}

void BenchLane::OnReadDone(bool ok) {
  if (!ok) {
    const std::lock_guard lock(mu_);
    broken_ = true;
    changed_.notify_all();
    return;
  }
  if (received_.deliveries_size() > 0) {
    const std::lock_guard lock(mu_);
    delivered_seq_ = received_.deliveries().rbegin()->seq();
  }
  for (const signaling::v1::Delivery& delivery : received_.deliveries()) on_delivery_(delivery);
  StartRead(&received_);
}

void BenchLane::OnDone(const grpc::Status&) {
  const std::lock_guard lock(mu_);
  done_ = true;
  changed_.notify_all();
}

}  // namespace cairn::bench
