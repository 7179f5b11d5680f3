#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "edge/outbox.h"

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

void AddEvent(LaneToCore& batch, LaneEvent::Kind kind, uint64_t seq, size_t payload_bytes) {
  LaneEvent* event = batch.add_events();
  event->set_kind(kind);
  event->set_topic("t");
  event->set_payload(std::string(payload_bytes, 'x'));
  event->set_seq(seq);
}

LaneToCore Opening() {
  LaneToCore opening;
  opening.mutable_hello()->set_lane_id(1);
  AddEvent(opening, LaneEvent::KIND_SUBSCRIBED, 0, 0);
  return opening;
}

// A core that gets a prefix of what is written on each stream, acknowledges at its leisure, and
// loses its memory with each stream. Every relay must reach it, in order, and the bytes must add up
// throughout.
class OutboxWalk {
 public:
  explicit OutboxWalk(uint32_t seed) : random_(seed) {}

  void Step() {
    switch (random_() % 8) {
      case 0:
      case 1:
        return Append();
      case 2:
      case 3:
        return StartWrite();
      case 4:
      case 5:
        return FinishWrite();
      case 6:
        return Ack();
      default:
        if (random_() % 4 == 0) return Toggle();
    }
  }
  void CheckBytes() const {
    size_t unacked = 0;
    for (auto it = sizes_.upper_bound(acked_); it != sizes_.end(); ++it) unacked += it->second;
    // Acknowledgements may be credited late, with the whole message they are in.
    ASSERT_GE(outbox_.relay_bytes(), unacked);
    ASSERT_LE(outbox_.relay_bytes(), total_);
  }
  void Finish() {
    if (!outbox_.connected()) Toggle();
    FinishWrite();
    StartWrite();
    FinishWrite();
    acked_ = next_seq_ - 1;
    outbox_.Ack(acked_);
    EXPECT_EQ(received_, next_seq_ - 1);
    EXPECT_EQ(outbox_.relay_bytes(), 0u);
    EXPECT_TRUE(outbox_.idle());
  }

 private:
  void Append() {
    LaneToCore batch;
    for (uint32_t n = 1 + random_() % 4; n > 0; --n) {
      if (random_() % 3 == 0) AddEvent(batch, LaneEvent::KIND_SUBSCRIBED, 0, 0);
      const size_t payload = random_() % 100;
      total_ += payload + 1;
      sizes_[next_seq_] = payload + 1;
      AddEvent(batch, LaneEvent::KIND_RELAYED, next_seq_++, payload);
    }
    outbox_.Append(batch);
  }
  void StartWrite() {
    const LaneToCore* message = outbox_.StartWrite();
    if (!message) return;
    in_flight_ = true;
    for (const LaneEvent& event : message->events()) {
      if (event.kind() != LaneEvent::KIND_RELAYED) continue;
      ASSERT_LE(event.seq(), received_ + 1) << "a gap";
      received_ = std::max(received_, event.seq());
    }
  }
  void FinishWrite() {
    if (!in_flight_) return;
    in_flight_ = false;
    outbox_.FinishWrite();
  }
  void Ack() {
    if (!outbox_.connected() || received_ == 0) return;
    acked_ = std::max<uint64_t>(acked_, 1 + random_() % received_);
    outbox_.Ack(acked_);
  }
  void Toggle() {
    if (outbox_.connected()) {
      in_flight_ = false;
      outbox_.Disconnect();
    } else {
      outbox_.Connect(Opening());
      // What the old core had and did not acknowledge is lost with it.
      received_ = acked_;
    }
  }

  std::mt19937 random_;
  Outbox outbox_;
  bool in_flight_ = false;
  uint64_t next_seq_ = 1;
  uint64_t acked_ = 0;
  uint64_t received_ = 0;
  size_t total_ = 0;
  std::map<uint64_t, size_t> sizes_;
};

TEST(Outbox, RandomBreaksAndAcknowledgementsLoseNothing) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    OutboxWalk walk(seed);
    for (int step = 0; step < 300; ++step) {
      walk.Step();
      walk.CheckBytes();
      ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
    walk.Finish();
  }
}

}  // namespace
}  // namespace cairn::edge
