#include <vector>

#include "tests/bench/bench_clock.h"
#include "tests/bench/crowd.h"
#include "tests/bench/scenarios.h"
#include "tests/bench/sequence_check.h"
#include "tests/bench/server_usage.h"
#include "tests/bench/stamp.h"

namespace cairn::bench {
namespace {

constexpr int64_t kDrainTimeout = 5 * kSecond;
// Receivers elsewhere would not be woken at the server's expense; ours, without it, once a
// delivery.
constexpr int64_t kNap = 200 * kMicrosecond;

// Peer 0 publishes, the others subscribe.
class Fanout {
 public:
  Fanout(const LoadOptions& options, Report& report)
      : options_(options),
        report_(report),
        usage_(options.servers),
        topic_(TopicName('f', 0)),
        codec_(options.payload_bytes),
        crowd_(poller_, options.ports,
               [this](Peer& peer, const ReceivedRelay& relay) { OnRelay(peer, relay); }),
        heard_(options.subscribers + 1),
        checks_(options.subscribers + 1),
        still_to_come_(options.in_flight) {}

  bool Open();
  void Run();
  Faults Finish();

 private:
  void Publish(StampKind kind);
  void OnRelay(Peer& peer, const ReceivedRelay& relay);
  void OnData(size_t subscriber, uint32_t number);

  const LoadOptions& options_;
  Report& report_;
  ServerUsage usage_;
  const std::string topic_;
  StampCodec codec_;
  Poller poller_;
  Crowd crowd_;
  std::vector<bool> heard_;
  std::vector<SequenceCheck> checks_;
  std::vector<size_t> still_to_come_;  // of message number n, at n modulo in_flight
  size_t unheard_ = 0;
  uint32_t published_ = 0;
  uint64_t on_their_way_ = 0;
  uint64_t corrupt_ = 0;
  uint64_t deliveries_ = 0;
  bool publishing_ = false;
};

bool Fanout::Open() {
  crowd_.Add({});
  for (size_t i = 0; i < options_.subscribers; ++i) crowd_.Add({topic_});
  if (!crowd_.Open()) return false;
  unheard_ = options_.subscribers;
  return Introduce(
      poller_, [this] { Publish(StampKind::kGreeting); }, [this] { return unheard_ == 0; });
}

void Fanout::Publish(StampKind kind) {
  Stamp stamp;
  stamp.kind = kind;
  if (kind == StampKind::kData) {
    stamp.number = ++published_;
    still_to_come_[stamp.number % options_.in_flight] = options_.subscribers;
    on_their_way_ += options_.subscribers;
  }
  crowd_[0].SendRelay(topic_, codec_.Write(stamp));
}

void Fanout::OnRelay(Peer& peer, const ReceivedRelay& relay) {
  Stamp stamp;
  const size_t subscriber = peer.index();
  if (!codec_.Read(relay.payload, stamp) || relay.topic != topic_ || stamp.sender != 0 ||
      subscriber == 0) {
    ++corrupt_;
    return;
  }
  if (stamp.kind == StampKind::kData) return OnData(subscriber, stamp.number);
  if (heard_[subscriber]) return;
  heard_[subscriber] = true;
  --unheard_;
}

void Fanout::OnData(size_t subscriber, uint32_t number) {
  checks_[subscriber].Saw(number);
  ++deliveries_;
  --on_their_way_;
  if (--still_to_come_[number % options_.in_flight] == 0 && publishing_) Publish(StampKind::kData);
}

void Fanout::Run() {
  const auto never = [] { return false; };
  publishing_ = true;
  poller_.set_nap_ns(kNap);
  for (size_t i = 0; i < options_.in_flight; ++i) Publish(StampKind::kData);
  poller_.PollUntil(NowNs() + static_cast<int64_t>(options_.warmup_seconds * 1e9), never);
  usage_.Begin();
  const uint64_t before = deliveries_;
  poller_.PollUntil(NowNs() + static_cast<int64_t>(options_.seconds * 1e9), never);
  const uint64_t measured = deliveries_ - before;
  usage_.End();
  publishing_ = false;
  report_.Add("subscribers", options_.subscribers);
  report_.Add("payload_bytes", options_.payload_bytes);
  report_.Add("in_flight", options_.in_flight);
  report_.Add("deliveries", measured);
  report_.Add("seconds", usage_.Seconds());
  report_.Add("deliveries_per_second", static_cast<double>(measured) / usage_.Seconds());
  usage_.Describe(measured, report_);
}

Faults Fanout::Finish() {
  poller_.PollUntil(NowNs() + kDrainTimeout, [this] { return on_their_way_ == 0; });
  Faults faults;
  for (size_t i = 1; i < checks_.size(); ++i) faults.Count(checks_[i], published_);
  faults.corrupt = corrupt_;
  faults.disconnected = crowd_.lost();
  return faults;
}

}  // namespace

std::optional<Faults> RunFanout(const LoadOptions& options, Report& report) {
  Fanout fanout(options, report);
  if (!fanout.Open()) return std::nullopt;
  fanout.Run();
  return fanout.Finish();
}

}  // namespace cairn::bench
