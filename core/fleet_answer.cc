#include "core/fleet_answer.h"

#include <algorithm>
#include <string>

#include "core/fleet_calls.h"
#include "core/mesh.h"

namespace cairn::core {

void FleetSender::Send(uint64_t to, signaling::v1::FleetFrame frame) {
  signaling::v1::MeshMessage message;
  message.set_protocol_version(Mesh::kProtocolVersion);
  message.set_from(core_id_);
  message.set_to(to);
  *message.mutable_fleet() = std::move(frame);
  MutexLock lock(mu_);
  if (bus_) bus_->Send(message, {});
}

void FleetSender::Stop() {
  MutexLock lock(mu_);
  bus_ = nullptr;
}

void FleetAnswer::Grant(uint64_t up_to, absl::Duration now) {
  bool has_room = false;
  {
    MutexLock lock(mu_);
    wanted_ = now;
    granted_ = std::max(granted_, up_to);
    has_room = Flush();
  }
  if (has_room) OnRoom();
}

void FleetAnswer::Cancel() {
  {
    MutexLock lock(mu_);
    if (std::exchange(over_, true)) return;
    ending_ = true;
    frames_.clear();
  }
  OnCancelled();
}

void FleetAnswer::SayAlive() {
  Frame frame;
  frame.set_kind(Frame::KIND_ALIVE);
  frame.set_call(call_);
  MutexLock lock(mu_);
  frame.set_number(sent_);
  if (!over_) sender_->Send(to_, std::move(frame));
}

absl::Duration FleetAnswer::wanted() {
  MutexLock lock(mu_);
  return wanted_;
}

bool FleetAnswer::over() {
  MutexLock lock(mu_);
  return over_;
}

void FleetAnswer::Add(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  MutexLock lock(mu_);
  if (ending_) return;
  for (size_t at = 0; at == 0 || at < bytes.size(); at += kMaxFleetBodyBytes) {
    Frame& frame = frames_.emplace_back();
    frame.set_kind(Frame::KIND_PAGE);
    frame.set_call(call_);
    frame.set_body(bytes.substr(at, kMaxFleetBodyBytes));
    frame.set_more(at + kMaxFleetBodyBytes < bytes.size());
  }
  Flush();
}

size_t FleetAnswer::queued() {
  MutexLock lock(mu_);
  return frames_.size();
}

void FleetAnswer::End(const absl::Status& status) {
  MutexLock lock(mu_);
  if (std::exchange(ending_, true)) return;
  Frame& frame = frames_.emplace_back();
  frame.set_kind(Frame::KIND_END);
  frame.set_call(call_);
  frame.set_status_code(static_cast<uint32_t>(status.code()));
  frame.set_status_message(std::string(status.message()));
  Flush();
}

bool FleetAnswer::Flush() {
  // The last frame needs no grant: its receiver has nothing to keep.
  while (!frames_.empty() && (sent_ < granted_ || frames_.front().kind() == Frame::KIND_END)) {
    frames_.front().set_number(++sent_);
    over_ = over_ || frames_.front().kind() == Frame::KIND_END;
    sender_->Send(to_, std::move(frames_.front()));
    frames_.pop_front();
  }
  return !ending_ && frames_.empty() && sent_ < granted_;
}

}  // namespace cairn::core
