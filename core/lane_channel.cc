#include "core/lane_channel.h"

#include <utility>

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

LaneChannel::LaneChannel(uint64_t number, std::shared_ptr<LaneStream> stream,
                         const CoreLimits& limits, absl::Duration now)
    : number_(number),
      link_(limits.max_lane_queued_bytes, limits.max_whole_bytes),
      stream_(std::move(stream)),
      answered_(now) {
  link_.Attach(0, [](CoreToLane&) {});
}
LaneChannel::~LaneChannel() = default;

bool LaneChannel::Resume(std::shared_ptr<LaneStream> stream, uint64_t lane_received,
                         absl::Duration now, Release release) {
  if (!link_.Attach(lane_received, release)) return false;
  stream_ = std::move(stream);
  answered_ = now;
  return true;
}

std::shared_ptr<LaneStream> LaneChannel::Detach() {
  link_.Detach();
  return std::move(stream_);
}

void LaneChannel::Append(CoreToLane& message, absl::Duration now, bool goes_on) {
  // Without a stream nothing can be answered: the time-out counts from the lane's last message.
  if (attached() && link_.idle()) answered_ = now;
  const size_t before = link_.cost();
  link_.Append(message);
  at_once_ = (goes_on ? at_once_ : 0) + link_.cost() - before;
  largest_ = std::max(largest_, at_once_);
}

void LaneChannel::Pump() {
  while (link_.HasNext() && stream_->Writable()) stream_->Write(link_.Next());
}

link::Receipt LaneChannel::Receive(LaneToCore& message, absl::Duration now, Release release) {
  const uint64_t acknowledged = link_.acknowledged();
  const link::Receipt receipt = link_.Receive(message, release);
  // From a lane that owes an answer, only an answer counts.
  if (link_.idle() || link_.acknowledged() > acknowledged) answered_ = now;
  return receipt;
}

std::vector<CoreToLane> LaneChannel::TakeUnacknowledged() { return link_.TakeUnacknowledged(); }

}  // namespace cairn::core
