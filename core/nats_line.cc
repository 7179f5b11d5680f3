#include "core/nats_line.h"

#include <absl/strings/str_cat.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <span>
#include <utility>

#include "base/check.h"
#include "core/epoll_watch.h"
#include "core/mesh_bus.h"
#include "core/nats_greeting.h"

namespace cairn::core {
namespace {

using Frame = NatsFrames::Frame;
using Steady = std::chrono::steady_clock;

// Between two looks at other sockets of the thread.
constexpr int kReadsPerTurn = 8;
// The only one in its epoll instance: nobody looks at it.
constexpr uint64_t kSocketId = 0;

}  // namespace

NatsLine::NatsLine(const NatsSubjects& subjects, NatsReceiver& receiver)
    : subjects_(subjects),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      receiver_(receiver),
      silence_(Steady::now()) {
  CAIRN_CHECK(epoll_.valid() && wake_.valid());
}

void NatsLine::Begin(NatsDialed dialed) {
  const MutexLock lock(serving_);
  frames_.emplace(std::move(dialed.frames));
  silence_.OnHeard(Steady::now());
  over_.clear();
  bool waited_for = false;
  {
    const MutexLock connecting(mu_);
    connection_ = std::move(dialed.connection);
    watched_ = connection_->wanted_epoll_events();
    waited_for = std::exchange(awaited_, false);
  }
  receiver_.OnState(true, "");
  if (waited_for) receiver_.OnWritable();
  const MutexLock watching(mu_);
  CAIRN_CHECK(EpollWatch(epoll_.get(), EPOLL_CTL_ADD, connection_->fd(), watched_, kSocketId));
}

void NatsLine::Finish(bool stopping) {
  const MutexLock lock(serving_);
  frames_.reset();
  {
    const MutexLock closing(mu_);
    EpollWatch(epoll_.get(), EPOLL_CTL_DEL, connection_->fd(), 0, kSocketId);
    connection_.reset();
  }
  if (!stopping) receiver_.OnState(false, over_);
}

void NatsLine::TellDown(std::string_view reason) {
  const MutexLock lock(serving_);
  receiver_.OnState(false, reason);
}

Steady::time_point NatsLine::next_check() {
  const MutexLock lock(serving_);
  return silence_.next();
}

void NatsLine::Wake() { eventfd_write(wake_.get(), 1); }

bool NatsLine::Check() {
  const MutexLock lock(serving_);
  if (!over_.empty()) return false;
  const Steady::time_point now = Steady::now();
  // What has come and is not read yet says that the server was alive.
  pollfd polled = {epoll_.get(), POLLIN, 0};
  if (now >= silence_.next() && poll(&polled, 1, 0) == 1) silence_.OnHeard(now);
  switch (silence_.Take(now)) {
    case NatsSilence::Due::kNothing:
      return true;
    case NatsSilence::Due::kPing: {
      const MutexLock sending(mu_);
      connection_->Ping();
      Flush();
      return true;
    }
    case NatsSilence::Due::kLeave:
      return End("the server does not answer");
  }
  return true;
}

bool NatsLine::End(std::string_view why) {
  over_ = why;
  {
    const MutexLock lock(mu_);
    EpollWatch(epoll_.get(), EPOLL_CTL_DEL, connection_->fd(), 0, kSocketId);
  }
  Wake();
  return false;
}

bool NatsLine::Turn() {
  const MutexLock lock(serving_);
  if (!frames_ || !over_.empty() || !HandleAll()) return false;
  more_ = true;
  for (int reads = 0; more_ && reads < kReadsPerTurn; ++reads) {
    if (!Read() || !HandleAll()) return false;
  }
  return more_;
}

bool NatsLine::Read() {
  LaneSocket::Status status = LaneSocket::Status::kOk;
  size_t bytes = 0;
  bool now_writable = false;
  {
    const MutexLock lock(mu_);
    if (connection_->unsent_bytes() > 0) Flush();
    now_writable = awaited_ && WritableNow();
    if (now_writable) awaited_ = false;
    const std::span<char> room = frames_->Room();
    status = connection_->Receive(room, bytes);
    // Not asked again: in plaintext a read that is not filled has everything.
    more_ = status == LaneSocket::Status::kOk && (connection_->tls() || bytes == room.size());
    Flush();
  }
  frames_->OnReceived(bytes);
  if (bytes > 0) silence_.OnHeard(Steady::now());
  if (now_writable) receiver_.OnWritable();
  return status != LaneSocket::Status::kEnd || End("the server closed the connection");
}

bool NatsLine::HandleAll() {
  while (const std::optional<Frame> frame = frames_->Next()) {
    if (!Handle(*frame)) return false;
  }
  return !frames_->broken() || End("the server sent what is no frame of NATS");
}

bool NatsLine::Handle(const Frame& frame) {
  switch (frame.kind) {
    case Frame::Kind::kMessage:
      Parse(frame.text);
      return true;
    case Frame::Kind::kNobody:
      if (const std::optional<uint64_t> core = subjects_.CoreOf(frame.subject))
        receiver_.OnNobody(*core);
      return true;
    case Frame::Kind::kPing: {
      const MutexLock lock(mu_);
      connection_->Pong();
      Flush();
      return true;
    }
    case Frame::Kind::kPong:
      return true;
    case Frame::Kind::kInfo: {
      const absl::StatusOr<NatsInfo> info = ParseNatsInfo(frame.text);
      if (!info.ok()) return End(std::string(info.status().message()));
      return !info->lame_duck || End("the server is about to end");
    }
    case Frame::Kind::kError:
      return End(absl::StrCat("the server says: ", std::string(frame.text)));
  }
  return true;
}

void NatsLine::Parse(std::string_view bytes) {
  signaling::v1::MeshMessage message = received_.Take();
  const bool is_whole = bytes.size() <= kMaxBusMessageBytes &&
                        message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (is_whole) receiver_.OnMessage(std::move(message));
}

bool NatsLine::Writable() {
  const MutexLock lock(mu_);
  if (WritableNow()) return true;
  awaited_ = true;
  return false;
}

void NatsLine::Send(const signaling::v1::MeshMessage& head, std::string_view items) {
  const MutexLock lock(mu_);
  if (!connection_ || connection_->unsent_bytes() + items.size() > kMaxUnsentBytes) {
    ++lost_;
    return;
  }
  connection_->Publish(head, items);
  if (gathers_ != std::this_thread::get_id() || connection_->unsent_bytes() >= kGatheredBytes)
    Flush();
}

void NatsLine::Gather(bool on) {
  const MutexLock lock(mu_);
  gathers_ = on ? std::this_thread::get_id() : std::thread::id();
  if (connection_) Flush();
}

void NatsLine::FlushGathered() {
  const MutexLock lock(mu_);
  if (connection_ && connection_->unsent_bytes() > 0 && !connection_->blocked()) Flush();
}

uint64_t NatsLine::lost() const {
  const MutexLock lock(mu_);
  return lost_;
}

void NatsLine::Flush() {
  connection_->Flush();
  const uint32_t wanted = connection_->wanted_epoll_events();
  if (std::exchange(watched_, wanted) != wanted)
    EpollWatch(epoll_.get(), EPOLL_CTL_MOD, connection_->fd(), wanted, kSocketId);
}

}  // namespace cairn::core
