#include "tests/bench/relay_probe.h"

#include <cstring>
#include <ctime>
#include <utility>

#include "tests/bench/bench_clock.h"

namespace cairn::bench {

using signaling::v1::Delivery;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

namespace {

// Higher than any of a Population's lanes.
constexpr uint64_t kNearLane = 1'000'001, kFarLane = 1'000'002;
constexpr uint64_t kNearPeer = 1'000'003, kFarPeer = 1'000'004;
constexpr int64_t kPatience = 30 * kSecond;

void SleepUntil(int64_t time_ns) {
  const timespec until = {time_ns / kSecond, time_ns % kSecond};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

void Join(BenchLane& lane, uint64_t peer) {
  LaneToCore batch;
  LaneEvent* event = batch.add_events();
  event->set_kind(LaneEvent::KIND_PEER_OPENED);
  event->set_peer(peer);
  event->mutable_info()->set_remote_address("127.0.0.1:1");
  event = batch.add_events();
  event->set_kind(LaneEvent::KIND_SUBSCRIBED);
  event->set_peer(peer);
  event->set_topic(RelayProbe::kTopic);
  lane.Send(batch);
}

}  // namespace

RelayProbe::RelayProbe(const CoreProcess& core)
    : far_(core.Connect(), kFarLane, "probe-far",
           [this](const Delivery& delivery) { Relay(far_, kFarPeer, delivery.payload()); }),
      near_(core.Connect(), kNearLane, "probe-near",
            [this](const Delivery& delivery) { OnReturn(delivery); }) {
  Join(near_, kNearPeer);
  Join(far_, kFarPeer);
  // Both subscriptions are in effect once the core has acknowledged them.
  near_.Flush();
  far_.Flush();
}

void RelayProbe::Relay(BenchLane& lane, uint64_t peer, const std::string& payload) {
  LaneToCore batch;
  LaneEvent* event = batch.add_events();
  event->set_kind(LaneEvent::KIND_RELAYED);
  event->set_peer(peer);
  event->set_topic(kTopic);
  event->set_payload(payload);
  event->set_seq(lane.NextSeq());
  lane.Send(batch);
}

void RelayProbe::OnReturn(const Delivery& delivery) {
  int64_t due_ns = 0;
  std::memcpy(&due_ns, delivery.payload().data(), sizeof due_ns);
  const std::lock_guard lock(mu_);
  latencies_.Add(NowNs() - due_ns);
}

bool RelayProbe::AllBack(size_t sent) {
  const std::lock_guard lock(mu_);
  return latencies_.count() >= sent;
}

Latencies RelayProbe::Run(double rate, double seconds) {
  const auto interval_ns = static_cast<int64_t>(1e9 / rate);
  const auto relays = static_cast<size_t>(rate * seconds);
  const int64_t start_ns = NowNs();
  std::string payload(kPayloadBytes, 'x');
  for (size_t i = 0; i < relays; ++i) {
    const int64_t due_ns = start_ns + static_cast<int64_t>(i) * interval_ns;
    SleepUntil(due_ns);
    std::memcpy(payload.data(), &due_ns, sizeof due_ns);
    Relay(near_, kNearPeer, payload);
  }
  const int64_t deadline_ns = NowNs() + kPatience;
  while (!AllBack(relays) && NowNs() < deadline_ns) SleepUntil(NowNs() + kMillisecond);
  complete_ = AllBack(relays);
  const std::lock_guard lock(mu_);
  return std::exchange(latencies_, {});
}

}  // namespace cairn::bench
