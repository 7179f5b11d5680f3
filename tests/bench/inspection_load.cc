#include "tests/bench/inspection_load.h"

#include <grpcpp/channel.h>

#include <chrono>
#include <utility>

#include "tests/bench/population.h"
#include "tests/bench/relay_probe.h"

namespace cairn::bench {

namespace v1 = signaling::v1;

namespace {

constexpr int kChangesPerSecond = 1000;
// A lane of its own for every load, besides those of Population and RelayProbe.
constexpr uint64_t kFirstLane = 2'000'000;

}  // namespace

const char* Name(LoadKind kind) {
  switch (kind) {
    case LoadKind::kCompute:
      return "a thread that only computes";
    case LoadKind::kListAll:
      return "ListPeers, all";
    case LoadKind::kListSorted:
      return "ListPeers, all, by messages";
    case LoadKind::kTop:
      return "what `cairn-admin top` asks";
    case LoadKind::kListClosed:
      return "ListPeers, closed";
    case LoadKind::kGetStatus:
      return "GetStatus";
    case LoadKind::kChanges:
      return "1,000 subscriptions change a second";
    case LoadKind::kWatched:
      return "the same, watched, and the relays traced";
  }
  return "";
}

Load::Load(const CoreProcess& core, LoadKind kind)
    : kind_(kind), channel_(core.Connect()), calls_(core) {
  v1::ListPeersRequest request;
  switch (kind) {
    case LoadKind::kCompute:
      Repeat([] {});
      return;
    case LoadKind::kListSorted:
      request.set_sort(v1::ListPeersRequest::SORT_MESSAGES_IN);
      break;
    case LoadKind::kTop:
      Repeat([this] { calls_.Top(); });
      return;
    case LoadKind::kListClosed:
      request.set_closed(true);
      break;
    case LoadKind::kGetStatus:
      Repeat([this] { calls_.Status(); });
      return;
    case LoadKind::kChanges:
    case LoadKind::kWatched:
      lane_ = std::make_unique<BenchLane>(core.Connect(), kFirstLane + static_cast<uint64_t>(kind),
                                          "changes", [](const v1::Delivery&) {});
      if (kind == LoadKind::kWatched) {
        threads_.emplace_back([this] { Watch(); });
        threads_.emplace_back([this] { Trace(); });
      }
      threads_.emplace_back([this] { Change(); });
      return;
    default:
      break;
  }
  Repeat([this, request] { calls_.ListPeers(request); });
}

Load::~Load() {
  over_ = true;
  watch_.TryCancel();
  trace_.TryCancel();
  for (std::thread& thread : threads_) thread.join();
}

std::string Load::Done() const {
  const std::string done = std::to_string(done_);
  switch (kind_) {
    case LoadKind::kCompute:
    case LoadKind::kChanges:
      return "";
    case LoadKind::kWatched:
      return done + " events and records, " + std::to_string(missed_) + " missed";
    default:
      return done + " calls";
  }
}

void Load::Repeat(std::function<void()> call) {
  threads_.emplace_back([this, call = std::move(call)] {
    for (; !over_; ++done_) call();
  });
}

void Load::Change() {
  const auto interval = std::chrono::microseconds(1'000'000 / kChangesPerSecond);
  auto due = std::chrono::steady_clock::now();
  const uint64_t peer = kFirstLane + static_cast<uint64_t>(kind_);
  v1::LaneToCore batch;
  const auto say = [&](v1::LaneEvent::Kind kind) {
    v1::LaneEvent* event = batch.add_events();
    event->set_kind(kind);
    event->set_peer(peer);
    event->set_topic("changes");
    lane_->Send(batch);
  };
  say(v1::LaneEvent::KIND_PEER_OPENED);
  for (bool on = true; !over_; on = !on) {
    say(on ? v1::LaneEvent::KIND_SUBSCRIBED : v1::LaneEvent::KIND_UNSUBSCRIBED);
    due += interval;
    std::this_thread::sleep_until(due);
  }
}

void Load::Watch() {
  const auto reader = v1::Admin::NewStub(channel_)->Watch(&watch_, {});
  for (v1::Event event; reader->Read(&event); ++done_) missed_ += event.missed();
}

void Load::Trace() {
  v1::TraceRequest request;
  request.set_topic(RelayProbe::kTopic);
  const auto reader = v1::Admin::NewStub(channel_)->Trace(&trace_, request);
  for (v1::TraceRecord record; reader->Read(&record); ++done_) missed_ += record.missed();
}

}  // namespace cairn::bench
