#include <algorithm>
#include <vector>

#include "tests/bench/bench_clock.h"
#include "tests/bench/crowd.h"
#include "tests/bench/latencies.h"
#include "tests/bench/scenarios.h"
#include "tests/bench/sequence_check.h"
#include "tests/bench/server_usage.h"
#include "tests/bench/stamp.h"

namespace cairn::bench {
namespace {

constexpr int64_t kDrainTimeout = 5 * kSecond;

// Peers 2n and 2n + 1 are a pair; with two ports they are on different edges.
class Pairs {
 public:
  Pairs(const LoadOptions& options, Report& report)
      : options_(options),
        report_(report),
        usage_(options.servers),
        codec_(options.payload_bytes),
        crowd_(poller_, options.ports,
               [this](Peer& peer, const ReceivedRelay& relay) { OnRelay(peer, relay); }),
        ends_(2 * options.pairs) {}

  bool Open();
  void RunClosed();
  void RunOpen();
  // Waits for relays that are still in flight.
  Faults Finish();

 private:
  struct End {
    uint32_t sent = 0;
    bool heard = false;  // a greeting of the other end
    SequenceCheck check;
  };

  void Send(size_t from, StampKind kind, int64_t time_ns);
  void OnRelay(Peer& peer, const ReceivedRelay& relay);
  void OnData(size_t at, const Stamp& stamp);
  void BeginMeasuring();
  void EndMeasuring();

  const LoadOptions& options_;
  Report& report_;
  ServerUsage usage_;
  StampCodec codec_;
  Poller poller_;
  Crowd crowd_;
  std::vector<End> ends_;
  Latencies latencies_;
  Latencies lateness_;
  size_t unheard_ = 0;
  uint64_t on_their_way_ = 0;
  uint64_t corrupt_ = 0;
  bool answering_ = false;
  bool measuring_ = false;
  int64_t measured_from_ns_ = 0;
  uint64_t measured_ = 0;
};

bool Pairs::Open() {
  for (size_t i = 0; i < ends_.size(); ++i) crowd_.Add({TopicName('p', i / 2)});
  if (!crowd_.Open()) return false;
  unheard_ = ends_.size();
  return Introduce(
      poller_,
      [this] {
        for (size_t i = 0; i < ends_.size(); ++i) {
          if (!ends_[i ^ 1].heard) Send(i, StampKind::kGreeting, 0);
        }
      },
      [this] { return unheard_ == 0; });
}

void Pairs::Send(size_t from, StampKind kind, int64_t time_ns) {
  Stamp stamp;
  stamp.kind = kind;
  stamp.sender = static_cast<uint32_t>(from);
  stamp.time_ns = time_ns;
  if (kind == StampKind::kData) {
    stamp.number = ++ends_[from].sent;
    ++on_their_way_;
  }
  Peer& peer = crowd_[from];
  peer.SendRelay(peer.topics()[0], codec_.Write(stamp));
}

void Pairs::OnRelay(Peer& peer, const ReceivedRelay& relay) {
  Stamp stamp;
  const bool whole = codec_.Read(relay.payload, stamp);
  const size_t at = peer.index();
  if (!whole || relay.topic != peer.topics()[0] || stamp.sender != (at ^ 1)) {
    ++corrupt_;
    return;
  }
  if (stamp.kind == StampKind::kData) return OnData(at, stamp);
  if (ends_[at].heard) return;
  ends_[at].heard = true;
  --unheard_;
}

void Pairs::OnData(size_t at, const Stamp& stamp) {
  ends_[at].check.Saw(stamp.number);
  --on_their_way_;
  if (measuring_) ++measured_;
  if (answering_) return Send(at, StampKind::kData, 0);
  if (measured_from_ns_ != 0 && stamp.time_ns >= measured_from_ns_)
    latencies_.Add(NowNs() - stamp.time_ns);
}

void Pairs::BeginMeasuring() {
  measuring_ = true;
  usage_.Begin();
}

void Pairs::EndMeasuring() {
  usage_.End();
  measuring_ = false;
  report_.Add("pairs", options_.pairs);
  report_.Add("payload_bytes", options_.payload_bytes);
  report_.Add("messages", measured_);
  report_.Add("seconds", usage_.Seconds());
  report_.Add("messages_per_second", static_cast<double>(measured_) / usage_.Seconds());
  usage_.Describe(measured_, report_);
}

void Pairs::RunClosed() {
  const auto never = [] { return false; };
  answering_ = true;
  for (size_t pair = 0; pair < options_.pairs; ++pair) {
    for (size_t i = 0; i < options_.in_flight; ++i) Send(2 * pair + i % 2, StampKind::kData, 0);
  }
  poller_.PollUntil(NowNs() + static_cast<int64_t>(options_.warmup_seconds * 1e9), never);
  BeginMeasuring();
  poller_.PollUntil(NowNs() + static_cast<int64_t>(options_.seconds * 1e9), never);
  EndMeasuring();
  answering_ = false;
  report_.Add("in_flight", options_.in_flight);
}

void Pairs::RunOpen() {
  const double gap_ns = 1e9 / options_.rate;
  const int64_t start_ns = NowNs() + 10 * kMillisecond;
  const int64_t begin_ns = start_ns + static_cast<int64_t>(options_.warmup_seconds * 1e9);
  const int64_t end_ns = begin_ns + static_cast<int64_t>(options_.seconds * 1e9);
  measured_from_ns_ = begin_ns;
  int64_t due_ns = start_ns;
  for (uint64_t number = 0; due_ns < end_ns;) {
    const int64_t now_ns = NowNs();
    if (!measuring_ && now_ns >= begin_ns) BeginMeasuring();
    while (due_ns <= now_ns && due_ns < end_ns) {
      if (measuring_) lateness_.Add(now_ns - due_ns);
      Send(number % ends_.size(), StampKind::kData, due_ns);
      due_ns = start_ns + static_cast<int64_t>(static_cast<double>(++number) * gap_ns);
    }
    poller_.Poll(std::min(due_ns, end_ns));
  }
  EndMeasuring();
  report_.Add("rate", options_.rate);
}

Faults Pairs::Finish() {
  poller_.PollUntil(NowNs() + kDrainTimeout, [this] { return on_their_way_ == 0; });
  if (latencies_.count() > 0) {
    report_.Add("latency_us", latencies_);
    report_.Add("send_lateness_us", lateness_);
  }
  Faults faults;
  for (size_t i = 0; i < ends_.size(); ++i) faults.Count(ends_[i].check, ends_[i ^ 1].sent);
  faults.corrupt = corrupt_;
  faults.disconnected = crowd_.lost();
  return faults;
}

}  // namespace

std::optional<Faults> RunPairs(const LoadOptions& options, Report& report) {
  Pairs pairs(options, report);
  if (!pairs.Open()) return std::nullopt;
  if (options.rate > 0) {
    pairs.RunOpen();
  } else {
    pairs.RunClosed();
  }
  return pairs.Finish();
}

}  // namespace cairn::bench
