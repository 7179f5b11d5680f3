#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/bench_clock.h"
#include "tests/bench/crowd.h"
#include "tests/bench/latencies.h"
#include "tests/bench/scenarios.h"
#include "tests/bench/server_usage.h"
#include "tests/bench/stamp.h"

namespace cairn::bench {
namespace {

// Clients without v2 repeat their offer at this interval until it is answered (docs/PROTOCOL.md).
constexpr int64_t kRepeat = 50 * kMillisecond;
// The second client comes up to so long after the first, at a moment of its own: two polls, so that
// the wait for the next poll is spread evenly.
constexpr int64_t kSpread = 2 * kRepeat;
// Late relays on a busy machine are not counted as lost.
constexpr int64_t kDrainTimeout = 30 * kSecond;

// One rendezvous, client 0 first, client 1 later, with two ports on different edges:
//
//   client 1 connects and subscribes            (leg: connect to 101)
//   client 0 learns of it: v2 by Joined         (leg: Subscribe to Joined),
//                          native by its offer's being answered, which it repeats
//   offer → answer and the candidates of the one → the candidates of the other   (three legs)
//
// What is reported:
//   total   from when client 1 was due to connect until both have all candidates of the other.
//   server  the sum of the legs. Each is timed by the clients, from the call that hands the message
//           over to the reading of the next one, and so has the kernel's TCP, the generator's own
//           loop and, across two edges, the core and both links in it: the server's share is no
//           more than this.
//   wait    native: from client 1's Subscribe until the offer that it heard was said, which is the
//           price of polling and not the server's.
struct Rendezvous {
  std::string topic;
  std::array<std::unique_ptr<Peer>, 2> clients;
  std::array<size_t, 2> candidates = {0, 0};  // that each has got
  int64_t due_ns = 0;                         // of client 1
  std::array<int64_t, 2> connect_ns = {0, 0};
  std::array<int64_t, 2> open_ns = {0, 0};  // 101 is there, and Subscribe said
  size_t offerer = 0;
  int64_t joined_ns = 0;   // v2
  int64_t offered_ns = 0;  // when the offer that was heard was said
  int64_t offer_heard_ns = 0;
  int64_t answer_heard_ns = 0;
  bool over = false;
};

class Discovery final : public PeerListener {
 public:
  Discovery(const LoadOptions& options, Report& report)
      : options_(options),
        report_(report),
        usage_(options.servers),
        codec_(options.payload_bytes) {}

  void Run();
  Faults Finish();

  // ---- PeerListener
  void OnReady(Peer& peer) override;
  void OnRelay(Peer& peer, const ReceivedRelay& relay) override;
  void OnV2Message(Peer& peer, std::string_view message) override;
  void OnLost(Peer& peer, const char* why) override;

 private:
  // When a client connects, or repeats its offer.
  struct Due {
    int64_t at_ns;
    uint32_t client;  // 2 * rendezvous + 0 or 1
    bool operator>(const Due& other) const { return at_ns > other.at_ns; }
  };

  void Begin(int64_t due_ns);
  void Connect(uint32_t client);
  void Say(uint32_t client, StampKind kind, uint32_t number);
  void SayCandidates(uint32_t client);
  void OnStamp(uint32_t client, const Stamp& stamp);
  void End(Rendezvous& rendezvous);
  // Does what is due; returns when something is due next.
  int64_t CarryOut(int64_t now_ns, int64_t next_ns);
  Rendezvous& Of(uint32_t client) { return *all_[client / 2]; }

  const LoadOptions& options_;
  Report& report_;
  ServerUsage usage_;
  StampCodec codec_;
  Poller poller_;
  // All of them, to the end: the poller may still hold a client that has left.
  std::vector<std::unique_ptr<Rendezvous>> all_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> coming_;
  std::deque<Due> repeating_;  // all after the same time: the first is due first
  Latencies total_, server_, wait_, lateness_;
  int64_t measured_from_ns_ = 0;
  uint64_t open_ = 0;
  uint64_t done_ = 0;
  uint64_t lost_clients_ = 0;
  Faults faults_;
};

void Discovery::Begin(int64_t due_ns) {
  const auto number = static_cast<uint32_t>(all_.size());
  auto rendezvous = std::make_unique<Rendezvous>();
  rendezvous->topic = TopicName('d', number);
  // The topic is a hash of the number: as good as random, and the same in every run.
  const auto spread = std::stoull(rendezvous->topic.substr(0, 8), nullptr, 16) % uint64_t{kSpread};
  rendezvous->due_ns = due_ns + static_cast<int64_t>(spread);
  for (uint32_t i = 0; i < 2; ++i) {
    PeerConfig config;
    config.index = 2 * number + i;
    config.port = options_.ports[(number + i) % options_.ports.size()];
    config.topics = {rendezvous->topic};
    config.eager = true;
    config.v2 = options_.v2;
    rendezvous->clients[i] = std::make_unique<Peer>(poller_, *this, std::move(config));
  }
  coming_.push({due_ns, 2 * number});
  coming_.push({rendezvous->due_ns, 2 * number + 1});
  all_.push_back(std::move(rendezvous));
  ++open_;
}

void Discovery::Connect(uint32_t client) {
  Rendezvous& rendezvous = Of(client);
  rendezvous.connect_ns[client % 2] = NowNs();
  rendezvous.clients[client % 2]->Connect();
}

void Discovery::OnReady(Peer& peer) {
  Rendezvous& rendezvous = Of(peer.index());
  rendezvous.open_ns[peer.index() % 2] = NowNs();
  if (!options_.v2 && peer.index() % 2 == 0) Say(peer.index(), StampKind::kOffer, 0);
}

void Discovery::Say(uint32_t client, StampKind kind, uint32_t number) {
  Rendezvous& rendezvous = Of(client);
  Stamp stamp;
  stamp.kind = kind;
  stamp.sender = client;
  stamp.number = number;
  stamp.time_ns = NowNs();
  rendezvous.clients[client % 2]->SendRelay(rendezvous.topic, codec_.Write(stamp));
  if (kind == StampKind::kOffer && !options_.v2)
    repeating_.push_back({stamp.time_ns + kRepeat, client});
}

void Discovery::SayCandidates(uint32_t client) {
  for (uint32_t n = 0; n < options_.candidates; ++n) Say(client, StampKind::kCandidate, n);
}

void Discovery::OnV2Message(Peer& peer, std::string_view message) {
  std::string_view topic, who;
  if (!ReadJoined(message, topic, who)) return;  // Welcome, Subscribed; Left is never in time
  Rendezvous& rendezvous = Of(peer.index());
  if (topic != rendezvous.topic) ++faults_.corrupt;
  if (rendezvous.joined_ns != 0) ++faults_.duplicates;
  rendezvous.joined_ns = NowNs();
  rendezvous.offerer = peer.index() % 2;
  Say(peer.index(), StampKind::kOffer, 0);
}

void Discovery::OnRelay(Peer& peer, const ReceivedRelay& relay) {
  Stamp stamp;
  Rendezvous& rendezvous = Of(peer.index());
  if (rendezvous.over) return;  // the rest of what was read together with its end
  if (!codec_.Read(relay.payload, stamp) || relay.topic != rendezvous.topic ||
      stamp.sender != (peer.index() ^ 1)) {
    ++faults_.corrupt;
    return;
  }
  OnStamp(peer.index(), stamp);
}

void Discovery::OnStamp(uint32_t client, const Stamp& stamp) {
  Rendezvous& rendezvous = Of(client);
  switch (stamp.kind) {
    case StampKind::kOffer:
      if (rendezvous.offer_heard_ns != 0) return;  // native: said again before the answer came
      rendezvous.offered_ns = stamp.time_ns;
      rendezvous.offer_heard_ns = NowNs();
      Say(client, StampKind::kAnswer, 0);
      return SayCandidates(client);
    case StampKind::kAnswer:
      if (rendezvous.answer_heard_ns != 0) ++faults_.duplicates;
      rendezvous.answer_heard_ns = NowNs();
      return SayCandidates(client);
    case StampKind::kCandidate: {
      size_t& got = rendezvous.candidates[client % 2];
      if (stamp.number < got) ++faults_.duplicates;
      if (stamp.number > got) ++faults_.reordered;
      ++got;
      if (got == options_.candidates && rendezvous.candidates[client % 2 ^ 1] == got)
        End(rendezvous);
      return;
    }
    default:
      ++faults_.corrupt;
  }
}

void Discovery::End(Rendezvous& rendezvous) {
  const int64_t now_ns = NowNs();
  rendezvous.over = true;
  --open_;
  for (const auto& client : rendezvous.clients) client->Close();
  if (measured_from_ns_ == 0 || rendezvous.due_ns < measured_from_ns_) return;
  ++done_;
  total_.Add(now_ns - rendezvous.due_ns);
  // Which client the server saw second; for native clients this is unknown, and client 1 is taken.
  const size_t second = rendezvous.offerer ^ 1;
  const int64_t subscribed_ns = rendezvous.open_ns[second];
  int64_t server_ns = subscribed_ns - rendezvous.connect_ns[second];
  if (options_.v2) {
    server_ns += rendezvous.joined_ns - subscribed_ns;
  } else {
    wait_.Add(std::max<int64_t>(0, rendezvous.offered_ns - subscribed_ns));
  }
  // Sent before the answerer had subscribed, and received anyway: not the server's time yet.
  server_ns += rendezvous.offer_heard_ns - std::max(rendezvous.offered_ns, subscribed_ns);
  server_ns += now_ns - rendezvous.offer_heard_ns;  // the answer's leg, and the candidates'
  server_.Add(server_ns);
}

void Discovery::OnLost(Peer& peer, const char* why) {
  if (Of(peer.index()).over) return;
  if (++lost_clients_ == 1) std::fprintf(stderr, "cairn-load: client %u: %s\n", peer.index(), why);
}

int64_t Discovery::CarryOut(int64_t now_ns, int64_t next_ns) {
  while (!coming_.empty() && coming_.top().at_ns <= now_ns) {
    if (measured_from_ns_ != 0) lateness_.Add(now_ns - coming_.top().at_ns);
    const uint32_t client = coming_.top().client;
    coming_.pop();
    Connect(client);
  }
  while (!repeating_.empty() && repeating_.front().at_ns <= now_ns) {
    const uint32_t client = repeating_.front().client;
    repeating_.pop_front();
    if (!Of(client).over && Of(client).answer_heard_ns == 0) Say(client, StampKind::kOffer, 0);
  }
  if (!coming_.empty()) next_ns = std::min(next_ns, coming_.top().at_ns);
  if (!repeating_.empty()) next_ns = std::min(next_ns, repeating_.front().at_ns);
  return next_ns;
}

void Discovery::Run() {
  const double gap_ns = 1e9 / options_.rate;
  const int64_t start_ns = NowNs() + 10 * kMillisecond;
  const int64_t begin_ns = start_ns + static_cast<int64_t>(options_.warmup_seconds * 1e9);
  const int64_t end_ns = begin_ns + static_cast<int64_t>(options_.seconds * 1e9);
  int64_t due_ns = start_ns;
  for (int64_t now_ns = NowNs(); now_ns < end_ns; now_ns = NowNs()) {
    if (measured_from_ns_ == 0 && now_ns >= begin_ns) {
      measured_from_ns_ = begin_ns;
      usage_.Begin();
    }
    for (; due_ns <= now_ns && due_ns < end_ns;
         due_ns = start_ns + static_cast<int64_t>(static_cast<double>(all_.size()) * gap_ns)) {
      Begin(due_ns);
    }
    poller_.Poll(CarryOut(now_ns, std::min(due_ns, end_ns)));
  }
  usage_.End();
}

Faults Discovery::Finish() {
  const int64_t give_up_ns = NowNs() + kDrainTimeout;
  const uint64_t in_time = done_;
  for (int64_t now_ns = NowNs(); open_ > 0 && now_ns < give_up_ns; now_ns = NowNs())
    poller_.Poll(CarryOut(now_ns, give_up_ns));
  report_.Add("rate", options_.rate);
  report_.Add("v2", uint64_t{options_.v2});
  report_.Add("candidates", options_.candidates);
  report_.Add("payload_bytes", options_.payload_bytes);
  report_.Add("rendezvous", done_);
  report_.Add("total_us", total_);
  report_.Add("server_us", server_);
  if (!options_.v2) report_.Add("wait_us", wait_);
  report_.Add("connect_lateness_us", lateness_);
  usage_.Describe(std::max<uint64_t>(1, in_time), report_);
  faults_.lost = open_;
  faults_.disconnected = lost_clients_;
  return faults_;
}

}  // namespace

std::optional<Faults> RunDiscovery(const LoadOptions& options, Report& report) {
  Discovery discovery(options, report);
  discovery.Run();
  return discovery.Finish();
}

}  // namespace cairn::bench
