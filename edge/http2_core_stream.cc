#include "edge/http2_core_stream.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/lane_call.h"
#include "proto/link/grpc_messages.h"
#include "proto/link/items.h"
#include "proto/link/link.h"
#include "proto/link/timing.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

// Read before clients are served again.
constexpr int kReadsPerTurn = 16;
// The memory of a message with more is not kept: of one of the largest size with relays it is.
constexpr size_t kKeptMessageBytes = link::kMaxMessageBytes;
constexpr int kKeptItems = 4096;
constexpr size_t kKeptPendingBytes = 2 * CoreSocket::kOutputBytes;

constexpr int kUnavailable = static_cast<int>(absl::StatusCode::kUnavailable);

}  // namespace

Http2CoreStream::Http2CoreStream(LaneCores& cores, CoreStreamListener& listener)
    : cores_(cores), listener_(listener) {
  const std::vector<size_t> turns = cores_.turns.Next(Now());
  untried_.assign(turns.begin(), turns.end());
  TryNextCore();
}

Http2CoreStream::~Http2CoreStream() {
  if (state_ != State::kOpen) return;
  if (!call_->end()) call_->Cancel();
  Flush();
  socket_->ShutdownWrite();
}

bool Http2CoreStream::Writable() {
  wants_write_ = !IsWritable();
  return !wants_write_;
}

void Http2CoreStream::Write(const LaneToCore& message) {
  if (!call_) {
    opening_ = message;
    return;
  }
  link::AppendGrpcMessage(message, pending_);
  if (!IsWritable()) Flush();
}

void Http2CoreStream::Cancel() {
  if (!call_) return EndSoon(static_cast<int>(absl::StatusCode::kCancelled), "cancelled");
  call_->Cancel();
  Flush();
  EndSoon(call_->end()->code, call_->end()->message);
}

void Http2CoreStream::Tick() {
  if (got_message_ && !ending_ && cores_.way_back.Tick()) return LeaveForPreferred();
  if (has_others_ && !ending_) LookForAnother();
  if (socket_ && socket_->lazy()) OnSocketReady(0);
}

// ---- the connection

void Http2CoreStream::TryNextCore() {
  core_ = untried_.front();
  untried_.pop_front();
  connector_.emplace(
      cores_.executor, cores_.options.targets[core_], cores_.options.tls, core().lookup,
      Dialer::Wishes{cores_.options.order, core().last_good, std::exchange(core().avoid, "")},
      absl::FromChrono(untried_.empty() ? link::kConnectTimeout : link::kShortConnectTimeout),
      [this](absl::StatusOr<Stream> socket) { OnConnected(std::move(socket)); });
}

void Http2CoreStream::OnConnected(absl::StatusOr<Stream> socket) {
  address_ = connector_->address();
  if (!socket.ok()) {
    absl::StrAppend(&failures_, failures_.empty() ? "" : "; ", socket.status().message());
    connector_.reset();
    if (!untried_.empty() && !ending_) return TryNextCore();
    return End(kUnavailable, std::string(failures_));
  }
  has_others_ = cores_.cores.size() > 1 || !connector_->alone();
  call_.emplace(LaneCallOptions(cores_.options, cores_.options.targets[core_], has_others_));
  if (opening_) link::AppendGrpcMessage(*std::exchange(opening_, std::nullopt), pending_);
  cores_.way_back.OnConnected(core_, address_, connector_->preferred());
  connector_.reset();
  socket_.emplace(*std::move(socket), *cores_.executor.sockets(),
                  static_cast<SocketListener&>(*this));
  state_ = State::kOpen;
  call_->Connected(Now());
  cores_.executor.PostAfter(absl::FromChrono(link::kHandshakeTimeout),
                            IfAlive([this] { OnFirstFrameTimeout(); }));
  ScheduleTime();
  Flush();
}

void Http2CoreStream::OnFirstFrameTimeout() {
  if (call_->established()) return;
  End(kUnavailable, absl::StrCat(address_, ": no HTTP/2 frame within ",
                                 absl::FormatDuration(absl::FromChrono(link::kHandshakeTimeout))));
}

void Http2CoreStream::ScheduleTime() {
  // What comes meanwhile may be followed by another silence: its PING is not due sooner than that.
  const absl::Duration wait =
      std::clamp(call_->next_time() - Now(), absl::Milliseconds(1), call_->ping_interval());
  cores_.executor.PostAfter(wait, IfAlive([this] { OnTime(); }));
}

void Http2CoreStream::OnTime() {
  if (call_->end()) return;
  call_->OnTime(Now());
  silent_ = call_->end().has_value();
  if (silent_) return End(call_->end()->code, call_->end()->message);
  Flush();
  ScheduleTime();
}

// ---- bytes

void Http2CoreStream::OnSocketReady(uint32_t) {
  if (ending_) return;
  if (state_ != State::kOpen) return;
  if (socket_->has_output()) Flush();
  if (!Read()) return;
  // The input may require an answer, or have opened the core's window.
  Flush();
  if (!wants_write_ || !IsWritable()) return;
  wants_write_ = false;
  listener_.OnStreamWritable();
  Flush();
}

bool Http2CoreStream::Read() {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    char* const buffer = cores_.read_buffer.get();
    const Stream::Result result = socket_->Read({buffer, LaneCores::kReadBytes});
    switch (result.status) {
      case Stream::Status::kOk:
        call_->Receive({buffer, result.bytes}, Now());
        if (!HandOut()) return false;
        // Less than a full buffer means that there is no more, except with TLS, which reads by
        // record.
        if (result.bytes < LaneCores::kReadBytes && !socket_->tls()) return true;
        break;
      case Stream::Status::kWantRead:
      case Stream::Status::kWantWrite:
        return true;
      case Stream::Status::kClosed:
        End(kUnavailable,
            absl::StrCat(
                address_, ": the core closed the connection",
                socket_->tls() || got_message_
                    ? ""
                    : ": has it ended, or does it want TLS (--grpc-tls-cert, -key, -ca)?"));
        return false;
      case Stream::Status::kLost:
        End(kUnavailable,
            absl::StrCat(address_, ": the connection was lost: ",
                         socket_->tls() ? Stream::LastTlsError() : std::strerror(errno)));
        return false;
    }
  }
  return true;
}

bool Http2CoreStream::HandOut() {
  while (const std::optional<std::string_view> bytes = call_->NextMessage()) {
    if (!message_.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
      End(static_cast<int>(absl::StatusCode::kInternal), "a message of the core cannot be parsed");
      return false;
    }
    const bool keep = bytes->size() <= kKeptMessageBytes &&
                      link::ItemCount(message_) <= kKeptItems && message_.part().empty();
    if (!std::exchange(got_message_, true)) {
      core().last_good = address_;
      cores_.turns.OnGood(core_);
    }
    listener_.OnStreamMessage(message_);
    if (!keep) message_ = CoreToLane();
  }
  if (!call_->end()) return true;
  End(call_->end()->code, call_->end()->message);
  return false;
}

void Http2CoreStream::Flush() {
  if (state_ != State::kOpen || ending_) return;
  do {
    if (call_->CanSend() && !pending_.empty()) {
      call_->Send(pending_);
      // Of the largest message.
      if (pending_.capacity() > kKeptPendingBytes) std::string().swap(pending_);
    }
    if (!socket_->Write(*call_))
      return EndSoon(kUnavailable, absl::StrCat(address_, ": the connection was lost"));
  } while (call_->CanSend() && !pending_.empty());
  // A closed window is waited for.
  socket_->SetLazy(got_message_ && call_->CanSend() && !socket_->has_output());
  if (call_->end()) EndSoon(call_->end()->code, call_->end()->message);
}

// ---- the end

void Http2CoreStream::LeaveForPreferred() {
  cores_.turns.GoBack();
  for (LaneCores::Core& one : cores_.cores) one.last_good.clear();
  EndSoon(static_cast<int>(absl::StatusCode::kOk), "leaves for a core that it prefers");
}

void Http2CoreStream::LookForAnother() {
  const std::optional<absl::Duration> pinged = call_->end() ? std::nullopt : call_->pinged();
  if (!pinged || Now() - *pinged < absl::FromChrono(link::kImpatientTimeout)) {
    probe_.reset();
    unasked_.clear();
    return;
  }
  if (probe_) return;
  if (unasked_.empty()) {
    if (Now() - asked_ < absl::FromChrono(link::kImpatientInterval)) return;
    asked_ = Now();
    // Its own core may have other addresses.
    for (const size_t core : cores_.turns.Next(Now())) {
      if (core != core_) unasked_.push_back(core);
    }
    unasked_.push_back(core_);
  }
  const size_t core = unasked_.front();
  unasked_.pop_front();
  probe_ = std::make_unique<CoreProbe>(
      cores_.options, cores_.options.targets[core], cores_.executor, cores_.clock,
      [this, core](std::optional<CoreProbe::Found> found) {
        probe_.reset();
        // Meanwhile its own may have answered.
        if (ending_ || state_ != State::kOpen || !call_->pinged()) return;
        if (!found || found->address == address_) return;
        silent_ = true;
        if (core != core_) cores_.turns.OnWell(core);
        EndSoon(kUnavailable,
                absl::StrCat(address_, ": no answer, and ", found->address, " answers"));
      },
      address_);
}

void Http2CoreStream::End(int code, const std::string& message) {
  state_ = State::kEnded;
  if (!got_message_ || silent_) {
    core().avoid = address_;
    if (!address_.empty()) cores_.turns.OnFailed(core_, Now());
  }
  // A copy, because it may refer into the call.
  listener_.OnStreamEnded(code, std::string(message));
}

void Http2CoreStream::EndSoon(int code, const std::string& message) {
  if (std::exchange(ending_, true)) return;
  cores_.executor.Post(IfAlive([this, code, message] {
    // The core may have told the reason.
    if (state_ == State::kOpen && !call_->end() && !Read()) return;
    End(code, message);
  }));
}

}  // namespace cairn::edge
