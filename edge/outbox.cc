#include "edge/outbox.h"

#include <utility>

#include "base/check.h"

namespace cairn::edge {

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

namespace {

// Whether the event is numbered, and so kept until it is acknowledged: a relay, or a record that is
// new.
bool IsRelay(const LaneEvent& event) { return event.seq() != 0; }
size_t RelayBytes(const LaneEvent& event) { return event.topic().size() + event.payload().size(); }

}  // namespace

void Outbox::Append(LaneToCore& batch) {
  for (LaneEvent& event : *batch.mutable_events()) {
    if (IsRelay(event)) {
      relay_bytes_ += RelayBytes(event);
    } else if (!connected_) {
      continue;
    }
    next_.add_events()->Swap(&event);
  }
  if (connected_ && batch.has_stats()) next_.mutable_stats()->Swap(batch.mutable_stats());
  batch.Clear();
}

void Outbox::Connect(LaneToCore opening) {
  CAIRN_CHECK(!connected_ && !in_flight_);
  connected_ = true;
  delivered_seq_ = told_delivered_seq_ = 0;
  LaneToCore relays;
  for (Written& written : unacked_) MoveRelays(written.message, relays);
  unacked_.clear();
  MoveRelays(next_, relays);
  next_ = std::move(opening);
  for (LaneEvent& event : *relays.mutable_events()) next_.add_events()->Swap(&event);
  relay_bytes_ = 0;
  for (const LaneEvent& event : next_.events()) {
    if (IsRelay(event)) relay_bytes_ += RelayBytes(event);
  }
}

void Outbox::Disconnect() {
  connected_ = false;
  // Whether the message in flight arrived is not known: the relays in it count as unacknowledged.
  if (in_flight_) FinishWrite();
}

const LaneToCore* Outbox::StartWrite() {
  if (in_flight_ || !connected_) return nullptr;
  const uint64_t untold = delivered_seq_ - told_delivered_seq_;
  const bool ack = untold >= kDeliveriesPerAck || (ack_now_ && untold > 0);
  const bool says_something = next_.events_size() > 0 || next_.has_hello() || next_.has_stats();
  if (!says_something && !ack && !beat_now_) return nullptr;
  writing_.Swap(&next_);
  if (untold > 0) writing_.set_delivered_seq(delivered_seq_);
  told_delivered_seq_ = delivered_seq_;
  ack_now_ = beat_now_ = false;
  in_flight_ = true;
  return &writing_;
}

void Outbox::FinishWrite() {
  CAIRN_CHECK(in_flight_);
  in_flight_ = false;
  Written written = {0, 0, {}};
  for (const LaneEvent& event : writing_.events()) {
    if (!IsRelay(event)) continue;
    if (event.seq() <= acked_seq_) {
      // The answer was faster than the news that the message is written.
      relay_bytes_ -= RelayBytes(event);
      continue;
    }
    written.last_seq = event.seq();
    written.relay_bytes += RelayBytes(event);
  }
  if (written.last_seq == 0) {
    writing_.Clear();
    return;
  }
  written.message.Swap(&writing_);
  unacked_.push_back(std::move(written));
}

void Outbox::Ack(uint64_t seq) {
  if (seq <= acked_seq_) return;
  acked_seq_ = seq;
  while (!unacked_.empty() && unacked_.front().last_seq <= seq) {
    relay_bytes_ -= unacked_.front().relay_bytes;
    // Its memory serves the next message, unless something is being gathered already.
    unacked_.front().message.Clear();
    if (writing_.events().ClearedCount() == 0 && !in_flight_)
      writing_.Swap(&unacked_.front().message);
    unacked_.pop_front();
  }
}

void Outbox::MoveRelays(LaneToCore& from, LaneToCore& to) {
  for (LaneEvent& event : *from.mutable_events()) {
    if (IsRelay(event) && event.seq() > acked_seq_) to.add_events()->Swap(&event);
  }
}

}  // namespace cairn::edge
