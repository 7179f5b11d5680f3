#include "core/nats_bus.h"

#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "core/nats_connection.h"
#include "core/nats_dialer.h"
#include "core/nats_frames.h"
#include "core/nats_greeting.h"
#include "core/nats_silence.h"
#include "core/nats_user.h"
#include "core/spare_messages.h"

namespace cairn::core {
namespace {

using Steady = std::chrono::steady_clock;
using Frame = NatsFrames::Frame;
using std::chrono::milliseconds;

constexpr absl::Duration kShortestPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);

bool WatchFd(int epoll, int operation, int fd, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(epoll, operation, fd, &event) == 0;
}

// How long to wait, in milliseconds, rounded up.
int Until(Steady::time_point end) {
  const auto left = std::chrono::ceil<milliseconds>(end - Steady::now());
  return static_cast<int>(std::max<milliseconds::rep>(left.count(), 0));
}

}  // namespace

struct NatsBus::Parts {
  Parts(const NatsOptions& given, NatsReceiver& to)
      : options(given),
        subjects(given),
        receiver(to),
        epoll(epoll_create1(EPOLL_CLOEXEC)),
        stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CAIRN_CHECK(WatchFd(epoll.get(), EPOLL_CTL_ADD, stop.get(), EPOLLIN));
  }

  // ---- the bus's thread
  void Run();
  absl::StatusOr<NatsDialed> Dial();
  void Serve(NatsDialed dialed);
  // Until the connection ends: why.
  std::string Receive(NatsFrames& frames);
  // False: nothing more comes; `reason` has the server's, if it gave one.
  bool HandleAll(NatsFrames& frames, std::string& reason);
  // The bytes that have come; none: the connection is over.
  std::optional<size_t> Read(NatsFrames& frames);
  void Wait(int wait_ms);
  void Parse(std::string_view bytes);
  void Ping();
  void Pause();

  // ---- any thread
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  bool Writable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    return connection && connection->unsent_bytes() == 0;
  }

  // Immutable after construction.
  const NatsOptions options;
  const NatsSubjects subjects;
  NatsReceiver& receiver;  // Borrowed; must outlive this.
  const UniqueFd epoll, stop;

  // Thread-safe.
  SpareMessages received;
  std::atomic<bool> stopping{false};

  // The bus's thread only.
  size_t next_url = 0;
  size_t failures = 0;
  absl::BitGen random;
  bool more = false;  // the kernel or OpenSSL may have more, of which epoll does not tell

  Mutex mu;
  // Guarded by mu.
  std::unique_ptr<NatsConnection> connection ABSL_GUARDED_BY(mu);
  uint32_t watched ABSL_GUARDED_BY(mu) = 0;
  bool awaited ABSL_GUARDED_BY(mu) = false;  // somebody waits for Writable()
  uint64_t lost ABSL_GUARDED_BY(mu) = 0;

  std::thread thread;
};

absl::StatusOr<NatsDialed> NatsBus::Parts::Dial() {
  const std::string& url = options.urls[next_url++ % options.urls.size()];
  absl::StatusOr<NatsDialed> dialed = DialNats(url, options, subjects, stop.get());
  if (!dialed.ok())
    return absl::UnavailableError(absl::StrCat(url, ": ", dialed.status().message()));
  return dialed;
}

void NatsBus::Parts::Run() {
  while (!stopping) {
    absl::StatusOr<NatsDialed> dialed = Dial();
    if (dialed.ok()) {
      Serve(*std::move(dialed));
      continue;
    }
    if (stopping) return;
    receiver.OnState(false, std::string(dialed.status().message()));
    Pause();
  }
}

void NatsBus::Parts::Serve(NatsDialed dialed) {
  failures = 0;
  const int fd = dialed.connection->fd();
  bool waited_for = false;
  {
    const MutexLock lock(mu);
    connection = std::move(dialed.connection);
    watched = connection->wanted_epoll_events();
    waited_for = std::exchange(awaited, false);
  }
  CAIRN_CHECK(WatchFd(epoll.get(), EPOLL_CTL_ADD, fd, EPOLLIN));
  receiver.OnState(true, "");
  if (waited_for) receiver.OnWritable();
  const std::string reason = Receive(dialed.frames);
  {
    const MutexLock lock(mu);
    WatchFd(epoll.get(), EPOLL_CTL_DEL, fd, 0);
    connection.reset();
  }
  if (!stopping) receiver.OnState(false, reason);
}

std::string NatsBus::Parts::Receive(NatsFrames& frames) {
  NatsSilence silence(Steady::now());
  std::string reason = "the server closed the connection";
  more = true;
  while (!stopping) {
    if (!HandleAll(frames, reason)) return reason;
    if (!more) Wait(Until(silence.next()));
    const std::optional<size_t> bytes = Read(frames);
    if (!bytes) return reason;
    const Steady::time_point now = Steady::now();
    if (*bytes > 0) {
      silence.OnHeard(now);
      continue;
    }
    switch (silence.Take(now)) {
      case NatsSilence::Due::kNothing:
        break;
      case NatsSilence::Due::kPing:
        Ping();
        break;
      case NatsSilence::Due::kLeave:
        return "the server does not answer";
    }
  }
  return reason;
}

void NatsBus::Parts::Wait(int wait_ms) {
  epoll_event events[2];
  epoll_wait(epoll.get(), events, std::size(events), wait_ms);
}

std::optional<size_t> NatsBus::Parts::Read(NatsFrames& frames) {
  LaneSocket::Status status = LaneSocket::Status::kOk;
  size_t bytes = 0;
  bool now_writable = false;
  {
    const MutexLock lock(mu);
    if (connection->unsent_bytes() > 0) Flush();
    now_writable = awaited && Writable();
    if (now_writable) awaited = false;
    const std::span<char> room = frames.Room();
    status = connection->Receive(room, bytes);
    // Not asked again: in plaintext a read that is not filled has everything.
    more = status == LaneSocket::Status::kOk && (connection->tls() || bytes == room.size());
    Flush();
  }
  frames.OnReceived(bytes);
  if (now_writable) receiver.OnWritable();
  if (status == LaneSocket::Status::kEnd) return std::nullopt;
  return bytes;
}

bool NatsBus::Parts::HandleAll(NatsFrames& frames, std::string& reason) {
  while (const std::optional<Frame> frame = frames.Next()) {
    switch (frame->kind) {
      case Frame::Kind::kMessage:
        Parse(frame->text);
        break;
      case Frame::Kind::kNobody:
        if (const std::optional<uint64_t> core = subjects.CoreOf(frame->subject))
          receiver.OnNobody(*core);
        break;
      case Frame::Kind::kPing: {
        const MutexLock lock(mu);
        connection->Pong();
        Flush();
        break;
      }
      case Frame::Kind::kPong:
        break;
      case Frame::Kind::kInfo: {
        const absl::StatusOr<NatsInfo> info = ParseNatsInfo(frame->text);
        if (info.ok() && !info->lame_duck) break;
        reason = info.ok() ? "the server is about to end" : std::string(info.status().message());
        return false;
      }
      case Frame::Kind::kError:
        reason = absl::StrCat("the server says: ", std::string(frame->text));
        return false;
    }
  }
  if (frames.broken()) reason = "the server sent what is no frame of NATS";
  return !frames.broken();
}

void NatsBus::Parts::Parse(std::string_view bytes) {
  signaling::v1::MeshMessage message = received.Take();
  const bool is_whole = bytes.size() <= kMaxBusMessageBytes &&
                        message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (is_whole) receiver.OnMessage(std::move(message));
}

void NatsBus::Parts::Ping() {
  const MutexLock lock(mu);
  connection->Ping();
  Flush();
}

// Each server is tried once without a pause.
void NatsBus::Parts::Pause() {
  if (++failures % options.urls.size() != 0) return;
  const size_t rounds = std::min<size_t>(failures / options.urls.size(), 8);
  const absl::Duration longest = std::min(kLongestPause, kShortestPause * (1 << rounds));
  const auto end =
      Steady::now() + absl::ToChronoMicroseconds(absl::Uniform(random, 0.5, 1.0) * longest);
  pollfd polled = {stop.get(), POLLIN, 0};
  while (!stopping && Steady::now() < end) poll(&polled, 1, Until(end));
}

void NatsBus::Parts::Flush() {
  connection->Flush();
  const uint32_t wanted = connection->wanted_epoll_events();
  if (std::exchange(watched, wanted) != wanted)
    WatchFd(epoll.get(), EPOLL_CTL_MOD, connection->fd(), wanted);
}

absl::StatusOr<std::unique_ptr<NatsBus>> NatsBus::Start(const NatsOptions& options,
                                                        NatsReceiver& receiver) {
  const absl::StatusOr<NatsUser> user = NatsUser::Read(options);
  if (!user.ok()) return user.status();
  auto parts = std::make_unique<Parts>(options, receiver);
  parts->thread = std::thread([raw = parts.get()] { raw->Run(); });
  return std::unique_ptr<NatsBus>(new NatsBus(std::move(parts)));
}

NatsBus::NatsBus(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

NatsBus::~NatsBus() {
  parts_->stopping = true;
  eventfd_write(parts_->stop.get(), 1);
  parts_->thread.join();
}

bool NatsBus::Writable() {
  const MutexLock lock(parts_->mu);
  const bool writable = parts_->Writable();
  if (!writable) parts_->awaited = true;
  return writable;
}

uint64_t NatsBus::lost() const {
  const MutexLock lock(parts_->mu);
  return parts_->lost;
}

void NatsBus::Send(const signaling::v1::MeshMessage& head, std::string_view items) {
  const MutexLock lock(parts_->mu);
  NatsConnection* connection = parts_->connection.get();
  if (!connection || connection->unsent_bytes() + items.size() > kMaxBusUnsentBytes) {
    ++parts_->lost;
    return;
  }
  connection->Publish(head, items);
  parts_->Flush();
}

void NatsBus::OnHandled(signaling::v1::MeshMessage&& message) {
  parts_->received.Give(std::move(message));
}

}  // namespace cairn::core
