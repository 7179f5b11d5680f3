// HostileWorld: a router, two honest lanes with a conversation, and lanes that say what a fuzzer
// likes.
//
// Checks, after every step: the honest lanes stay; what one relays reaches the other once and in
// order; nobody speaks in their name; no message of the core is above its bound; the router's
// tables agree with each other.
#ifndef CAIRN_TESTS_FUZZ_HOSTILE_WORLD_H_
#define CAIRN_TESTS_FUZZ_HOSTILE_WORLD_H_

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "core/lane_rules.h"
#include "core/router.h"
#include "proto/link/identity.h"
#include "proto/link/link.h"
#include "proto/link/parse_cost.h"
#include "proto/link/protocol_version.h"
#include "tests/support/fake_clock.h"

namespace cairn::core {

inline void Hold(bool condition) {
  if (!condition) std::abort();
}

class WorldStream final : public LaneStream {
 public:
  bool Writable() override { return writable; }
  void Write(const signaling::v1::CoreToLane& message) override {
    Hold(writable && !closed);
    // What gRPC adds, and the fields that have no cost.
    Hold(message.ByteSizeLong() <= link::kMaxMessageBytes + (64 << 10));
    written.push_back(message);
  }
  void OnHandled(signaling::v1::LaneToCore&&) override { ++handled; }
  void Close(const absl::Status&) override { closed = true; }

  std::deque<signaling::v1::CoreToLane> written;
  bool writable = true;
  bool closed = false;
  int handled = 0;
};

// Keeps to the protocol, as edge/lane_link.h does.
class HonestLane {
 public:
  using WireLink = link::Link<signaling::v1::LaneToCore, signaling::v1::CoreToLane>;

  HonestLane(Router& router, const std::string& secret) : router_(router) {
    stream_ = std::make_shared<WorldStream>();
    signaling::v1::Hello hello;
    hello.set_protocol_version(link::kProtocolVersion);
    hello.set_lane_id(link::LaneIdOf(secret));
    hello.set_secret(secret);
    hello.set_edge("honest");
    RouterInput opened = LaneOpened{stream_, hello};
    router_.Handle(opened);
    Take();
    Hold(link_ != nullptr);
  }
  signaling::v1::LaneEvent& Add(signaling::v1::LaneEvent::Kind kind, uint64_t peer) {
    signaling::v1::LaneEvent& event = *batch_.add_events();
    event.set_kind(kind);
    event.set_peer(peer);
    event.set_proof(1);
    return event;
  }
  void Say() {
    link_->Append(batch_);
    Write();
  }
  // Takes the written messages, and answers them.
  void Answer() {
    Take();
    link_->AckNow();
    link_->BeatNow();
    Write();
  }
  bool there() const { return !stream_->closed; }

  // Numbers of the relays of `from` that came, and lanes they came by.
  std::deque<signaling::v1::Delivery> deliveries;

 private:
  void Write() {
    while (link_->HasNext()) {
      RouterInput input = LaneBatch{stream_, link_->Next()};
      router_.Handle(input);
    }
    Take();
  }
  void Take() {
    while (!stream_->written.empty()) {
      signaling::v1::CoreToLane message = std::move(stream_->written.front());
      stream_->written.pop_front();
      if (message.has_welcome()) {
        link_ = std::make_unique<WireLink>(size_t{4} << 20, size_t{80} << 20);
        Hold(link_->Attach(0, [](auto&) {}));
        continue;
      }
      const link::Receipt receipt = link_->Receive(message, [](auto&) {});
      Hold(receipt != link::Receipt::kBroken);
      if (receipt != link::Receipt::kHandle) continue;
      for (auto& delivery : *message.mutable_deliveries()) deliveries.push_back(delivery);
    }
  }

  Router& router_;
  std::shared_ptr<WorldStream> stream_;
  std::unique_ptr<WireLink> link_;
  signaling::v1::LaneToCore batch_;
};

class HostileWorld {
 public:
  static constexpr const char* kTopic = "t0";
  // Lanes of theirs, and peers.
  static std::string Secret(char name) { return std::string(link::kSecretBytes, name); }
  const uint64_t kTalks = link::LaneIdOf(Secret('T')), kHears = link::LaneIdOf(Secret('H'));
  const uint64_t kTalker = link::PeerIdOf(Secret('T'), 1), kHearer = link::PeerIdOf(Secret('H'), 1);

  HostileWorld() {
    Start(talks_, Secret('T'), kTalker);
    Start(hears_, Secret('H'), kHearer);
    clock_.Advance(absl::FromChrono(link::kStartHold));
    Pass(absl::Seconds(3));
    // A core that has routed a relay holds none for lanes that open later.
    Relay();
    Check();
    Hold(heard_ == relayed_);
  }
  ~HostileWorld() {
    for (int i = 0; i < 4; ++i) Relay();
    Pass(absl::Seconds(1));
    Check();
    Hold(heard_ == relayed_);
  }

  // ---- hostile lanes, by any number
  void Open(int lane, const signaling::v1::LaneToCore& first) {
    if (streams_.contains(lane)) Break(lane);
    const signaling::v1::Hello& hello = first.hello();
    // What core/lane_service.cc does not let through.
    if (WhyRefused(first, limits_) || !ProvesLane(hello)) return;
    streams_[lane] = std::make_shared<WorldStream>();
    RouterInput opened = LaneOpened{streams_[lane], hello};
    router_.Handle(opened);
  }
  void Batch(int lane, signaling::v1::LaneToCore batch) {
    const auto it = streams_.find(lane);
    // As core/lane_service.cc does, which also ends the call.
    if (link::CountFields(batch.SerializeAsString()) > limits_.max_fields) return Break(lane);
    // gRPC reads no further until the last was handled; a stream that was closed is not read.
    if (it == streams_.end() || it->second->closed || it->second->handled == 0) return;
    --it->second->handled;
    RouterInput input = LaneBatch{it->second, std::move(batch)};
    router_.Handle(input);
  }
  // The last numbered message to the lane, and the link of its Welcome.
  uint64_t Told(int lane) const {
    const auto it = streams_.find(lane);
    if (it == streams_.end() || it->second->written.empty()) return 0;
    return it->second->written.back().number();
  }
  void Break(int lane) {
    const auto it = streams_.find(lane);
    if (it == streams_.end()) return;
    RouterInput closed = LaneClosed{it->second};
    streams_.erase(it);
    router_.Handle(closed);
  }
  void SetWritable(int lane, bool writable) {
    const auto it = streams_.find(lane);
    if (it == streams_.end()) return;
    it->second->writable = writable;
    if (!writable || it->second->closed) return;
    RouterInput input = LaneWritable{it->second};
    router_.Handle(input);
  }
  bool is_open(int lane) const { return streams_.contains(lane); }

  // ---- the honest
  void Relay() {
    auto& event = talks_->Add(signaling::v1::LaneEvent::KIND_RELAYED, kTalker);
    event.set_topic(kTopic);
    event.set_payload(std::to_string(++relayed_));
    event.set_seq(relayed_);
    talks_->Say();
  }
  void Pass(absl::Duration time) {
    for (; time > absl::ZeroDuration(); time -= absl::Milliseconds(500)) {
      talks_->Answer();
      hears_->Answer();
      clock_.Advance(std::min(time, absl::Milliseconds(500)));
      RouterInput tick = Tick{};
      router_.Handle(tick);
    }
    talks_->Answer();
    hears_->Answer();
  }
  void Check() {
    hears_->Answer();
    Hold(talks_->there() && hears_->there());
    for (; !hears_->deliveries.empty(); hears_->deliveries.pop_front()) {
      const auto& delivery = hears_->deliveries.front();
      if (delivery.from() != kTalker && delivery.origin_lane() != kTalks) continue;
      // One of the two would act for a peer of another lane.
      Hold(delivery.from() == kTalker && delivery.origin_lane() == kTalks);
      Hold(delivery.payload() == std::to_string(++heard_) && delivery.origin_seq() == heard_);
    }
    talks_->deliveries.clear();
    const PeerRecord* talker = router_.directory().Peer(kTalker);
    Hold(talker != nullptr && talker->lane->id == kTalks);
    CheckTables();
  }

 private:
  void Start(std::unique_ptr<HonestLane>& lane, const std::string& secret, uint64_t peer) {
    lane = std::make_unique<HonestLane>(router_, secret);
    lane->Add(signaling::v1::LaneEvent::KIND_PEER_OPENED, peer);
    lane->Add(signaling::v1::LaneEvent::KIND_SUBSCRIBED, peer).set_topic(kTopic);
    lane->Add(signaling::v1::LaneEvent::KIND_SNAPSHOT_END, 0).set_next_seq(1);
    lane->Say();
  }
  void CheckTables() const;

  FakeClock clock_;
  CoreLimits limits_;
  Router router_{77, limits_, clock_};
  std::unique_ptr<HonestLane> talks_, hears_;
  uint64_t relayed_ = 0, heard_ = 0;
  std::map<int, std::shared_ptr<WorldStream>> streams_;
};

inline void HostileWorld::CheckTables() const {
  const Directory& directory = router_.directory();
  size_t interests = 0;
  for (const auto& topic : directory.topics()) {
    Hold(!topic->interests.empty());
    for (const Interest& interest : topic->interests) interests += interest.subscribers;
  }
  Hold(interests == directory.subscription_count());
  Hold(directory.topic_names().size() == directory.topics().size());
}

}  // namespace cairn::core

#endif  // CAIRN_TESTS_FUZZ_HOSTILE_WORLD_H_
