#include "tests/bench/crowd.h"

#include <cstdio>
#include <utility>

#include "tests/bench/bench_clock.h"

namespace cairn::bench {
namespace {

// A million subscriptions on a busy machine take minutes.
constexpr int64_t kOpenTimeout = 300 * kSecond;
constexpr int64_t kGreetInterval = 50 * kMillisecond;
constexpr int64_t kGreetTimeout = 15 * kSecond;

// SplitMix64.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

std::string TopicName(uint64_t group, uint64_t number) {
  uint64_t state = Mix(group << 32 | number);
  std::string name;
  for (int i = 0; i < 4; ++i) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(state));
    name += digits;
    state = Mix(state);
  }
  return name;
}

Crowd::Crowd(Poller& poller, std::vector<uint16_t> ports, RelayHandler on_relay)
    : poller_(poller), ports_(std::move(ports)), on_relay_(std::move(on_relay)) {}

void Crowd::Add(std::vector<std::string> topics, bool reset_on_close) {
  PeerConfig config;
  config.index = static_cast<uint32_t>(peers_.size());
  config.port = ports_[peers_.size() % ports_.size()];
  config.topics = std::move(topics);
  config.reset_on_close = reset_on_close;
  peers_.push_back(std::make_unique<Peer>(poller_, *this, std::move(config)));
}

bool Crowd::Open() {
  ConnectMore();
  const bool settled =
      poller_.PollUntil(NowNs() + kOpenTimeout, [this] { return ready_ + lost_ == peers_.size(); });
  if (settled && lost_ == 0) return true;
  std::fprintf(stderr, "cairn-load: %zu of %zu connections became ready\n", ready_, peers_.size());
  return false;
}

void Crowd::ConnectMore() {
  while (begun_ < peers_.size() && begun_ - ready_ < kOpening + lost_) peers_[begun_++]->Connect();
}

void Crowd::OnReady(Peer&) {
  ++ready_;
  ConnectMore();
}

void Crowd::OnLost(Peer& peer, const char* why) {
  if (++lost_ == 1) std::fprintf(stderr, "cairn-load: connection %u: %s\n", peer.index(), why);
}

bool Introduce(Poller& poller, const std::function<void()>& greet,
               const std::function<bool()>& heard) {
  const int64_t give_up = NowNs() + kGreetTimeout;
  while (NowNs() < give_up) {
    greet();
    if (poller.PollUntil(NowNs() + kGreetInterval, heard)) return true;
  }
  std::fprintf(stderr, "cairn-load: a subscriber never heard its publisher\n");
  return false;
}

}  // namespace cairn::bench
