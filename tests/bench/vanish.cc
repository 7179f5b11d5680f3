#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <vector>

#include "base/unique_fd.h"
#include "tests/bench/bench_clock.h"
#include "tests/bench/crowd.h"
#include "tests/bench/latencies.h"
#include "tests/bench/scenarios.h"
#include "tests/bench/sequence_check.h"
#include "tests/bench/server_usage.h"
#include "tests/bench/stamp.h"

namespace cairn::bench {
namespace {

constexpr int kOpenTimeoutMs = 90'000;
constexpr int64_t kProbePause = kMillisecond / 2;
constexpr int64_t kProbeTimeout = 30 * kSecond;
// The measurement ends after this many undelayed round trips in a row, but not before kLeastWatch.
constexpr size_t kCalm = 400;
constexpr int64_t kLeastWatch = kSecond;
constexpr int64_t kLongestWatch = 30 * kSecond;

// Those who will vanish: a process of its own, because nothing ends connections as suddenly as the
// end of their process.
class Doomed {
 public:
  // False, after a message on stderr: not all could connect.
  bool Start(const LoadOptions& options);
  void Kill() {
    kill(process_, SIGKILL);
    killed_ns_ = NowNs();
  }
  int64_t killed_ns() const { return killed_ns_; }
  ~Doomed() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

 private:
  [[noreturn]] static void Live(const LoadOptions& options, int say_ready);

  pid_t process_ = 0;
  int64_t killed_ns_ = 0;
};

bool Doomed::Start(const LoadOptions& options) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return false;
  const UniqueFd ready(pipe_ends[0]);
  UniqueFd say_ready(pipe_ends[1]);
  process_ = fork();
  if (process_ == 0) Live(options, say_ready.get());
  say_ready.Reset();
  pollfd wait = {ready.get(), POLLIN, 0};
  char byte = 0;
  return process_ > 0 && poll(&wait, 1, kOpenTimeoutMs) == 1 && read(ready.get(), &byte, 1) == 1;
}

void Doomed::Live(const LoadOptions& options, int say_ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Poller poller;
  Crowd crowd(poller, options.ports, [](Peer&, const ReceivedRelay&) {});
  for (size_t i = 0; i < options.peers; ++i) {
    std::vector<std::string> names;
    for (size_t k = 0; k < options.topics; ++k)
      names.push_back(TopicName('v', i * options.topics + k));
    crowd.Add(std::move(names), options.reset);
  }
  if (!crowd.Open() || write(say_ready, "r", 1) != 1) _exit(1);
  for (;;) poller.Poll(NowNs() + kSecond);
}

// Two other clients that exchange messages: a message, its answer, a short pause.
class Probe {
 public:
  explicit Probe(const LoadOptions& options)
      : codec_(options.payload_bytes),
        crowd_(poller_, options.ports,
               [this](Peer& peer, const ReceivedRelay& relay) { OnRelay(peer, relay); }) {}

  bool Open();
  // One round trip, then the pause. False: it did not come back.
  bool Exchange();

  struct RoundTrip {
    int64_t back_ns;
    int64_t took_ns;
  };
  const RoundTrip& last() const { return last_; }
  Faults Found() const;

 private:
  void Send(size_t from, StampKind kind, int64_t time_ns);
  void OnRelay(Peer& peer, const ReceivedRelay& relay);

  StampCodec codec_;
  Poller poller_;
  Crowd crowd_;
  SequenceCheck checks_[2];
  uint32_t sent_[2] = {0, 0};
  bool heard_[2] = {false, false};
  bool back_ = false;
  uint64_t corrupt_ = 0;
  RoundTrip last_ = {};
};

bool Probe::Open() {
  const std::string topic = TopicName('q', 0);
  crowd_.Add({topic});
  crowd_.Add({topic});
  if (!crowd_.Open()) return false;
  const auto greet = [this] {
    for (size_t from = 0; from < 2; ++from) Send(from, StampKind::kGreeting, 0);
  };
  return Introduce(poller_, greet, [this] { return heard_[0] && heard_[1]; });
}

void Probe::Send(size_t from, StampKind kind, int64_t time_ns) {
  Stamp stamp;
  stamp.kind = kind;
  stamp.sender = static_cast<uint32_t>(from);
  stamp.time_ns = time_ns;
  if (kind != StampKind::kGreeting) stamp.number = ++sent_[from];
  crowd_[from].SendRelay(crowd_[from].topics()[0], codec_.Write(stamp));
}

void Probe::OnRelay(Peer& peer, const ReceivedRelay& relay) {
  Stamp stamp;
  const size_t at = peer.index();
  if (!codec_.Read(relay.payload, stamp) || stamp.sender != 1 - at ||
      relay.topic != peer.topics()[0]) {
    ++corrupt_;
    return;
  }
  if (stamp.kind == StampKind::kGreeting) {
    heard_[at] = true;
    return;
  }
  checks_[at].Saw(stamp.number);
  if (at == 1) return Send(1, StampKind::kAnswer, stamp.time_ns);
  back_ = true;
  const int64_t now = NowNs();
  last_ = {now, now - stamp.time_ns};
}

bool Probe::Exchange() {
  back_ = false;
  Send(0, StampKind::kData, NowNs());
  if (!poller_.PollUntil(NowNs() + kProbeTimeout, [this] { return back_; })) return false;
  poller_.PollUntil(NowNs() + kProbePause, [] { return false; });
  return true;
}

Faults Probe::Found() const {
  Faults faults;
  for (size_t at = 0; at < 2; ++at) faults.Count(checks_[at], sent_[1 - at]);
  faults.corrupt = corrupt_;
  faults.disconnected = crowd_.lost();
  return faults;
}

}  // namespace

std::optional<Faults> RunVanish(const LoadOptions& options, Report& report) {
  Doomed doomed;
  if (!doomed.Start(options)) return std::nullopt;
  // So that the probe itself is scheduled in time. Needs a privilege.
  sched_param priority = {};
  priority.sched_priority = 1;
  const bool prompt = sched_setscheduler(0, SCHED_RR, &priority) == 0;
  Probe probe(options);
  if (!probe.Open()) return std::nullopt;

  ServerUsage usage(options.servers);
  Latencies before;
  bool answered = true;
  const int64_t baseline_end = NowNs() + static_cast<int64_t>(options.warmup_seconds * 1e9);
  while (answered && NowNs() < baseline_end) {
    answered = probe.Exchange();
    before.Add(probe.last().took_ns);
  }
  const double calm_below_us = 2 * before.MaxUs();

  usage.Begin();
  doomed.Kill();
  Latencies after;
  int64_t recovered_ns = doomed.killed_ns();
  size_t calm = 0;
  for (int64_t watched = 0;
       answered && watched < kLongestWatch && (watched < kLeastWatch || calm < kCalm);
       watched = NowNs() - doomed.killed_ns()) {
    answered = probe.Exchange();
    after.Add(probe.last().took_ns);
    const bool is_calm = static_cast<double>(probe.last().took_ns) <= calm_below_us * 1e3;
    calm = is_calm ? calm + 1 : 0;
    if (!is_calm) recovered_ns = probe.last().back_ns;
  }
  usage.End();
  report.Add("peers", options.peers);
  report.Add("topics", options.topics);
  report.Add("prompt_probe", uint64_t{prompt});
  report.Add("round_trip_before_us", before);
  report.Add("round_trip_after_us", after);
  report.Add("calm_below_us", calm_below_us);
  report.Add("recovered_ms", static_cast<double>(recovered_ns - doomed.killed_ns()) / 1e6);
  // With the probe's own share in it.
  usage.Describe(options.peers, report);
  return probe.Found();
}

}  // namespace cairn::bench
