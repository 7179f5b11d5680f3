#include "tests/bench/population.h"

#include <algorithm>
#include <cstdio>

namespace cairn::bench {

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

namespace {

// Peers in a message.
constexpr size_t kChunk = 500;
constexpr int64_t kFirstConnectedUs = 1'700'000'000'000'000;
constexpr uint64_t kDayUs = uint64_t{86'400} * 1'000'000;

// A permutation of 64-bit numbers (splitmix64): ids of real edges are random.
uint64_t Mix(uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

int64_t SomeTime(uint64_t random) {
  return kFirstConnectedUs + static_cast<int64_t>(random % kDayUs);
}

LaneEvent* Add(LaneEvent::Kind kind, size_t index, LaneToCore& batch) {
  LaneEvent* event = batch.add_events();
  event->set_kind(kind);
  event->set_peer(PeerNumberAt(index));
  return event;
}

void AddOpened(size_t index, LaneToCore& batch) {
  const uint64_t random = Mix(~uint64_t{index});
  signaling::v1::PeerInfo* info = Add(LaneEvent::KIND_PEER_OPENED, index, batch)->mutable_info();
  info->set_connected_since_us(SomeTime(random));
  char address[64];
  std::snprintf(address, sizeof address, "10.%zu.%zu.%zu:%u", index >> 16 & 255, index >> 8 & 255,
                index & 255, static_cast<unsigned>(1024 + random % 60'000));
  info->set_remote_address(address);
  info->set_user_agent("Mozilla/5.0 (X11; Linux x86_64) cairn-client/1.4");
  info->set_tls_version("TLSv1.3");
}

void AddSubscribed(size_t index, const std::string& topic, LaneToCore& batch) {
  Add(LaneEvent::KIND_SUBSCRIBED, index, batch)->set_topic(topic);
}

void AddStats(size_t index, LaneToCore& batch) {
  const uint64_t random = Mix(uint64_t{index} << 32);
  signaling::v1::PeerStats* stats = Add(LaneEvent::KIND_PEER_STATS, index, batch)->mutable_stats();
  stats->set_messages_in(random % 1000);
  stats->set_messages_out(random % 997);
  stats->set_bytes_in(random % 1'000'000);
  stats->set_bytes_out(random % 999'983);
  stats->set_last_activity_us(SomeTime(random));
  stats->set_rtt_us(static_cast<int64_t>(1000 + random % 100'000));
  stats->set_dialect("cbor");
}

}  // namespace

uint64_t PeerNumberAt(size_t index) { return Mix(index + 1); }

std::string TopicAt(size_t share, size_t index) {
  const size_t number = index / share;
  char name[64];
  std::snprintf(name, sizeof name, "room-%zu-%016llx", share,
                static_cast<unsigned long long>(Mix(number)));
  return name;
}

Population::Population(const CoreProcess& core, size_t peers, size_t lanes) : peers_(peers) {
  for (size_t i = 1; i <= lanes; ++i) {
    lanes_.push_back(std::make_unique<BenchLane>(core.Connect(), i, "edge-" + std::to_string(i),
                                                 [](const signaling::v1::Delivery&) {}));
  }
}

size_t Population::topics() const {
  size_t topics = 0;
  for (const size_t share : kShares) topics += (peers_ + share - 1) / share;
  return topics;
}

template <typename Describe>
bool Population::Say(size_t first, size_t count, Describe describe) {
  LaneToCore batch;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    size_t said = 0;
    for (size_t index = first + i; index < first + count; index += lanes_.size()) {
      describe(index, batch);
      if (++said % kChunk != 0) continue;
      lanes_[i]->Send(batch);
      if (!lanes_[i]->Flush()) return false;
    }
    lanes_[i]->Send(batch);
    if (!lanes_[i]->Flush()) return false;
  }
  return true;
}

bool Population::Open() { return Say(0, peers_, AddOpened); }

bool Population::Subscribe() {
  return Say(0, peers_, [](size_t index, LaneToCore& batch) {
    for (const size_t share : kShares) AddSubscribed(index, TopicAt(share, index), batch);
  });
}

bool Population::Report() { return Say(0, peers_, AddStats); }

bool Population::PassThrough(size_t peers) {
  return Say(peers_, peers, [](size_t index, LaneToCore& batch) {
    AddOpened(index, batch);
    LaneEvent* closed = Add(LaneEvent::KIND_PEER_CLOSED, index, batch);
    closed->set_close_code(1000);
    closed->set_close_reason("client_closed");
  });
}

bool Population::broken() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->broken(); });
}

}  // namespace cairn::bench
