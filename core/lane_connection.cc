#include "core/lane_connection.h"

#include <sys/epoll.h>

#include <utility>

#include "proto/link/link.h"
#include "proto/link/timing.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

static_assert(link::kMaxMessageBytes + link::kMessageSlack < Http2LaneCall::kWindowBytes);
// As gRPC's server pings: an edge that has vanished is noticed after both together.
constexpr absl::Duration kPingInterval = absl::Seconds(5);
constexpr absl::Duration kPingTimeout = absl::Seconds(5);
// How long a lane may take to read what it is told at the end.
constexpr absl::Duration kTimeToLeave = absl::Seconds(5);
// The memory of a larger message is not kept.
constexpr size_t kKeptBytes = 128 << 10;

}  // namespace

LaneConnection::LaneConnection(uint64_t id, LaneSocket socket, LaneConnectionHost& host, Core& core,
                               Caller caller)
    : id_(id),
      core_(core),
      host_(host),
      socket_(std::move(socket)),
      call_({link::kMaxMessageBytes + link::kMessageSlack, kPingInterval, kPingTimeout},
            core.clock().Elapsed()),
      watched_(kWatchedAtFirst),
      hello_by_(core.clock().Elapsed() + kTimeToHello),
      intake_(core, std::move(caller.edge)) {}

// ---- the LanePort's thread

void LaneConnection::Begin(std::string_view received, Credentials credentials, Authority& authority,
                           std::span<char> buffer) {
  lease_ = authority.Hold(std::move(credentials), Capability::kOpenLane,
                          [weak = weak_from_this()](const absl::Status& status) {
                            const auto connection = weak.lock();
                            if (!connection) return;
                            connection->intake_.Refuse(LaneRefusal::kCredential);
                            connection->EndLater({status, /*at_once=*/false});
                          });
  Receive(received);
  if (!core_.TakesLanes()) {
    Finish(LaneIntake::TakesNone());
    return Touch();
  }
  if (socket_.HasPending()) OnReady(buffer);
}

void LaneConnection::OnReady(std::span<char> buffer) {
  if (over_) return;
  stuck_ = unread_ = false;
  if (blocked_) Flush();
  for (size_t bytes = 0; !over_;) {
    const LaneSocket::Result result = socket_.Read(buffer);
    if (result.status == LaneSocket::Status::kEnd) {
      // What it was told last has not been written yet.
      Flush();
      over_ = true;
    }
    stuck_ = result.status == LaneSocket::Status::kWantWrite;
    unread_ = result.status == LaneSocket::Status::kOk && socket_.HasPending();
    if (result.status != LaneSocket::Status::kOk) break;
    Receive({buffer.data(), result.bytes});
    bytes += result.bytes;
    if (!unread_ || bytes >= buffer.size()) break;
  }
  if (unread_) Touch();
  WatchSocket();
}

void LaneConnection::Touch() {
  bool needed = false;
  {
    MutexLock lock(mu_);
    needed = NeedsTouch();
  }
  if (needed) TouchHost();
}

void LaneConnection::Receive(std::string_view bytes) {
  // What is sent after the end of the call is read so that the end is not lost by a reset.
  if (shut_) return;
  call_.Receive(bytes, Now());
  HandleMessages();
  FinishAtPeersEnd();
  // Settle() writes what is there then: of this lane, and of those that are read in the same turn.
  Touch();
}

bool LaneConnection::BeginHandling() {
  MutexLock lock(mu_);
  handling_ = !at_router_ && !finishing_;
  return handling_;
}

void LaneConnection::HandleMessages() {
  while (BeginHandling()) {
    const std::optional<std::string_view> message = call_.NextMessage();
    {
      MutexLock lock(mu_);
      at_router_ = message.has_value();
      handling_ = at_router_;
    }
    if (!message) {
      if (call_.broken())
        Refuse(LaneRefusal::kHttp2, absl::InvalidArgumentError("not a message of gRPC"));
      return;
    }
    if (const absl::Status status = intake_.OnMessage(*message, shared_from_this()); !status.ok())
      return Finish(status);
  }
}

void LaneConnection::FinishAtPeersEnd() {
  if (!call_.peer_done()) return;
  {
    MutexLock lock(mu_);
    if (at_router_) return;
  }
  Finish(absl::OkStatus());
}

void LaneConnection::Finish(const absl::Status& status) {
  if (std::exchange(finishing_, true)) return;
  leave_by_ = Now() + kTimeToLeave;
  call_.Finish(static_cast<int>(status.code()), std::string(status.message()));
  intake_.OnClosed(shared_from_this());
}

void LaneConnection::Refuse(LaneRefusal reason, const absl::Status& status) {
  if (!std::exchange(refused_, true)) intake_.Refuse(reason);
  Finish(status);
}

void LaneConnection::GiveUp() {
  Refuse(LaneRefusal::kTooMuchUnread,
         absl::ResourceExhaustedError("no memory for what lanes send"));
  Flush();
}

void LaneConnection::Settle() {
  std::optional<Ending> ending;
  {
    MutexLock lock(mu_);
    touched_ = false;
    if (call_.CanSend()) sending_.swap(pending_);
    ending = std::exchange(ending_, std::nullopt);
  }
  if (over_) return;
  if (!sending_.empty()) call_.Send(sending_);
  if (sending_.capacity() > kKeptBytes) std::string().swap(sending_);
  sending_.clear();
  if (ending) Finish(ending->status);
  HandleMessages();
  FinishAtPeersEnd();
  Flush();
  if (ending && ending->at_once && !shut_) over_ = true;
}

void LaneConnection::Flush() {
  blocked_ = false;
  for (;;) {
    call_.AppendOutput(output_, kOutputBytes);
    if (output_.empty()) break;
    const LaneSocket::Result result = socket_.Write(output_);
    if (result.status == LaneSocket::Status::kOk) {
      output_.erase(0, result.bytes);
      continue;
    }
    blocked_ = result.status != LaneSocket::Status::kEnd;
    over_ = over_ || !blocked_;
    break;
  }
  if (!blocked_ && !over_) OnFlushed();
  over_ = over_ || (call_.ended() && !(blocked_ && finishing_));
  WatchSocket();
}

void LaneConnection::WatchSocket() {
  uint32_t wanted = blocked_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (stuck_) wanted = EPOLLOUT;
  if (!over_ && std::exchange(watched_, wanted) != wanted) host_.Watch(*this, wanted);
}

void LaneConnection::OnFlushed() {
  if (call_.finished() && !std::exchange(shut_, true)) socket_.ShutdownWrite();
  bool needed = false;
  bool wanted = false;
  {
    MutexLock lock(mu_);
    if (!call_.CanSend()) return;
    if (!pending_.empty()) {
      needed = NeedsTouch();
    } else if (std::exchange(writing_, false)) {
      wanted = std::exchange(wants_write_, false);
    }
  }
  if (needed) TouchHost();
  if (!wanted) return;
  RouterInput writable = LaneWritable{shared_from_this()};
  core_.Enter(writable);
}

void LaneConnection::OnTime() {
  if (finishing_) {
    over_ = over_ || Now() >= leave_by_;
    return;
  }
  call_.OnTime(Now());
  ReleaseMemory();
  if (Now() >= hello_by_ && !intake_.opened())
    Refuse(LaneRefusal::kNoHello, absl::DeadlineExceededError("no Hello has come"));
  Flush();
}

// Of the largest message: once a second, because to do so after each would cost a busy lane as much
// as its messages do.
void LaneConnection::ReleaseMemory() {
  MutexLock lock(mu_);
  if (!at_router_) intake_.ReleaseMemory();
}

void LaneConnection::End() {
  over_ = true;
  if (call_.broken()) Refuse(LaneRefusal::kHttp2, absl::InternalError("HTTP/2 was broken"));
  {
    MutexLock lock(mu_);
    ended_ = true;
  }
  {
    MutexLock lock(host_mu_);
    host_ended_ = true;
  }
  lease_ = {};
  intake_.OnClosed(shared_from_this());
}

// ---- any thread

void LaneConnection::TouchHost() {
  MutexLock lock(host_mu_);
  if (!host_ended_) host_.Touch(shared_from_this());
}

bool LaneConnection::Writable() {
  MutexLock lock(mu_);
  wants_write_ = writing_;
  return !writing_;
}

void LaneConnection::Write(const CoreToLane& message) {
  bool needed = false;
  {
    MutexLock lock(mu_);
    if (ended_) return;
    link::AppendGrpcMessage(message, pending_);
    writing_ = pending_.size() >= kOutputBytes;
    needed = NeedsTouch();
  }
  if (needed) TouchHost();
}

void LaneConnection::OnHandled(LaneToCore&& batch) {
  bool needed = false;
  {
    MutexLock lock(mu_);
    intake_.Reuse(std::move(batch));
    at_router_ = false;
    needed = !handling_ && NeedsTouch();
  }
  if (needed) TouchHost();
}

void LaneConnection::Close(const absl::Status& status) { EndLater({status, /*at_once=*/true}); }

void LaneConnection::EndLater(Ending ending) {
  {
    MutexLock lock(mu_);
    if (!ending_ || ending.at_once) ending_ = std::move(ending);
  }
  Touch();
}

}  // namespace cairn::core
