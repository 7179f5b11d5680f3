#include "tests/bench/bench_lane.h"

#include <grpcpp/channel.h>

#include <chrono>
#include <utility>

#include "proto/link/identity.h"
#include "proto/link/timing.h"

namespace cairn::bench {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

namespace {

constexpr size_t kWindow = 64 << 20;
constexpr auto kIgnore = [](const LaneToCore&) {};

std::string SecretOf(uint64_t number) {
  std::string secret = std::to_string(number);
  secret.resize(link::kSecretBytes, '.');
  return secret;
}

}  // namespace

BenchLane::BenchLane(const std::shared_ptr<grpc::Channel>& channel, uint64_t number,
                     const std::string& edge, OnDelivery on_delivery)
    : stub_(Lanes::NewStub(channel)),
      on_delivery_(std::move(on_delivery)),
      secret_(SecretOf(number)),
      link_(kWindow, kWindow) {
  signaling::v1::Hello* hello = hello_.mutable_hello();
  hello->set_protocol_version(2);
  hello->set_lane_id(link::LaneIdOf(secret_));
  hello->set_secret(secret_);
  hello->set_edge(edge);
  hello->set_version("bench");
  LaneToCore snapshot;
  snapshot.add_events()->set_kind(LaneEvent::KIND_SNAPSHOT_END);
  link_.Append(snapshot);
  stub_->async()->Open(&context_, this);
  AddHold();  // writes come from other threads, until the destructor
  StartRead(&received_);
  in_flight_ = true;
  StartWrite(&hello_);
  StartCall();
  beat_ = std::thread([this] { Beat(); });
}

BenchLane::~BenchLane() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  changed_.notify_all();
  beat_.join();
  context_.TryCancel();
  RemoveHold();
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return done_; });
}

void BenchLane::Send(LaneToCore& batch) {
  for (LaneEvent& event : *batch.mutable_events()) {
    event.set_proof(event.peer());
    event.set_peer(link::PeerIdOf(secret_, event.proof()));
  }
  const std::lock_guard lock(mu_);
  link_.Append(batch);
  Pump();
}

void BenchLane::Pump() {
  if (in_flight_ || broken_ || !link_.HasNext()) return;
  in_flight_ = true;
  StartWrite(&link_.Next());  // serializes it before it returns
}

bool BenchLane::Flush() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return broken_ || link_.idle(); });
  return !broken_;
}

bool BenchLane::broken() {
  const std::lock_guard lock(mu_);
  return broken_;
}

void BenchLane::Beat() {
  std::unique_lock lock(mu_);
  while (!changed_.wait_for(lock, link::kTick, [this] { return ending_; })) {
    link_.AckNow();
    link_.BeatNow();
    Pump();
  }
}

void BenchLane::OnWriteDone(bool ok) {
  const std::lock_guard lock(mu_);
  in_flight_ = false;
  broken_ = broken_ || !ok;
  changed_.notify_all();
  Pump();
}

void BenchLane::OnReadDone(bool ok) {
  bool handle = false;
  {
    const std::lock_guard lock(mu_);
    if (ok && received_.has_welcome()) {
      ok = link_.Attach(0, kIgnore);
    } else if (ok) {
      const link::Receipt receipt = link_.Receive(received_, kIgnore);
      ok = receipt != link::Receipt::kBroken;
      handle = receipt == link::Receipt::kHandle;
    }
    broken_ = broken_ || !ok;
    changed_.notify_all();
    if (!ok) return;
    Pump();
  }
  if (handle) {
    for (const signaling::v1::Delivery& delivery : received_.deliveries()) on_delivery_(delivery);
  }
  StartRead(&received_);
}

void BenchLane::OnDone(const grpc::Status&) {
  const std::lock_guard lock(mu_);
  done_ = true;
  changed_.notify_all();
}

}  // namespace cairn::bench
