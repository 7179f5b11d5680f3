#include "core/fleet_calls.h"

#include <absl/strings/str_cat.h>

#include <optional>

#include "base/peer_id.h"
#include "core/mesh.h"

namespace cairn::core {

using signaling::v1::MeshMessage;

namespace {

// A grant is repeated after this, and asks whether the other core lives.
constexpr absl::Duration kGrantInterval = absl::Milliseconds(300);

absl::Status NoAnswer(uint64_t core) {
  return absl::UnavailableError(absl::StrCat("the core ", FormatId(core), " does not answer"));
}

bool IsFeed(FleetCalls::Frame::Method method) {
  return method == FleetCalls::Frame::METHOD_WATCH || method == FleetCalls::Frame::METHOD_TRACE;
}

}  // namespace

uint64_t FleetCalls::Ask(uint64_t core, Frame::Method method, std::string request, bool may_operate,
                         const std::shared_ptr<FleetListener>& listener) {
  absl::Status refused;
  uint64_t number = 0;
  {
    MutexLock lock(mu_);
    number = absl::Uniform<uint64_t>(absl::IntervalClosed, random_, 1, ~uint64_t{0});
    if (stopped_) {
      refused = absl::UnavailableError("the core is about to end");
    } else if (calls_.size() >= kMaxCalls) {
      refused = absl::ResourceExhaustedError("too many calls to other cores at once");
    } else if (request.size() > kMaxFleetBodyBytes) {
      refused = absl::InvalidArgumentError("the request is too long to be passed on");
    } else {
      Call& call = calls_[number];
      call.core = core;
      call.listener = listener;
      call.is_feed = IsFeed(method);
      call.heard = call.said = Now();
      call.granted = call.window();
      Frame frame;
      frame.set_kind(Frame::KIND_ASK);
      frame.set_call(number);
      frame.set_method(method);
      frame.set_body(std::move(request));
      frame.set_may_operate(may_operate);
      frame.set_grant(call.granted);
      Send(core, frame);
    }
  }
  if (!refused.ok()) listener->OnEnd(refused);
  return number;
}

void FleetCalls::Took(uint64_t number) {
  MutexLock lock(mu_);
  const auto found = calls_.find(number);
  if (found == calls_.end() || found->second.waiting == 0) return;
  --found->second.waiting;
  ++found->second.taken;
  GrantMore(number, found->second);
}

void FleetCalls::Cancel(uint64_t number) {
  MutexLock lock(mu_);
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  Frame frame;
  frame.set_kind(Frame::KIND_CANCEL);
  frame.set_call(number);
  Send(found->second.core, frame);
  calls_.erase(found);
}

// ---- what the other cores say

void FleetCalls::OnFrame(uint64_t from, Frame& frame) {
  std::shared_ptr<FleetListener> listener;
  std::optional<std::string> whole;
  uint64_t missed = 0;
  Ended ended;
  {
    MutexLock lock(mu_);
    const auto found = calls_.find(frame.call());
    if (found == calls_.end() || found->second.core != from) return;
    Call& call = found->second;
    call.heard = Now();
    listener = call.listener;
    const bool is_alive = frame.kind() == Frame::KIND_ALIVE;
    const uint64_t before = frame.number() + (is_alive ? 1 : 0);
    if (before <= call.received) return;  // repeated by the bus
    missed = before - call.received - 1;
    if (missed > 0 && !call.is_feed) {
      End(found, absl::DataLossError("a part of the answer was lost on the way"), ended);
    } else if (frame.kind() == Frame::KIND_END) {
      End(found,
          absl::Status(static_cast<absl::StatusCode>(frame.status_code()), frame.status_message()),
          ended);
    } else {
      call.received += missed;
      call.taken += missed;
      if (!is_alive) whole = Take(call, frame);
      if (call.body.size() > kMaxMessageBytes)
        End(found, absl::ResourceExhaustedError("a message of the answer is too long"), ended);
    }
  }
  if (missed > 0 && ended.empty()) listener->OnMissed(missed);
  if (whole) listener->OnMessage(frame.call(), *std::move(whole));
  Tell(ended);
}

std::optional<std::string> FleetCalls::Take(Call& call, Frame& frame) {
  ++call.received;
  call.body += frame.body();
  if (!frame.more()) {
    ++call.waiting;
    return std::exchange(call.body, {});
  }
  // The rest of it has to come, whatever the listener does.
  ++call.taken;
  GrantMore(frame.call(), call);
  return std::nullopt;
}

void FleetCalls::OnNobody(uint64_t core) {
  Ended ended;
  {
    MutexLock lock(mu_);
    for (auto it = calls_.begin(); it != calls_.end();) {
      const auto call = it++;
      if (call->second.core == core) End(call, NoAnswer(core), ended);
    }
  }
  Tell(ended);
}

void FleetCalls::Tick() {
  Ended ended;
  {
    MutexLock lock(mu_);
    for (auto it = calls_.begin(); it != calls_.end();) {
      const auto call = it++;
      if (Now() - call->second.heard >= kPatience) {
        End(call, NoAnswer(call->second.core), ended);
      } else if (Now() - call->second.said >= kGrantInterval) {
        Grant(call->first, call->second);
      }
    }
  }
  Tell(ended);
}

void FleetCalls::Stop() {
  Ended ended;
  {
    MutexLock lock(mu_);
    stopped_ = true;
    while (!calls_.empty())
      End(calls_.begin(), absl::UnavailableError("the core is about to end"), ended);
  }
  Tell(ended);
}

// ---- inside

void FleetCalls::Send(uint64_t core, const Frame& frame) {
  MeshMessage message;
  message.set_protocol_version(Mesh::kProtocolVersion);
  message.set_from(core_id_);
  message.set_to(core);
  *message.mutable_fleet() = frame;
  bus_.Send(message, {});
}

void FleetCalls::GrantMore(uint64_t number, Call& call) {
  if (call.taken + call.window() - call.granted >= call.window() / 2) Grant(number, call);
}

void FleetCalls::Grant(uint64_t number, Call& call) {
  call.granted = call.taken + call.window();
  call.said = Now();
  Frame frame;
  frame.set_kind(Frame::KIND_GRANT);
  frame.set_call(number);
  frame.set_grant(call.granted);
  Send(call.core, frame);
}

void FleetCalls::End(Calls::iterator call, absl::Status status, Ended& ended) {
  ended.emplace_back(std::move(call->second.listener), std::move(status));
  calls_.erase(call);
}

void FleetCalls::Tell(const Ended& ended) {
  for (const auto& [listener, status] : ended) listener->OnEnd(status);
}

}  // namespace cairn::core
