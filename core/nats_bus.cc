#include "core/nats_bus.h"

#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/unique_fd.h"
#include "core/nats_connection.h"
#include "core/nats_dialer.h"
#include "core/nats_line.h"

namespace cairn::core {
namespace {

using Steady = std::chrono::steady_clock;

constexpr absl::Duration kShortestPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr std::chrono::seconds kLasting{1};

// How long to wait, in milliseconds, rounded up.
int Until(Steady::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Steady::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

}  // namespace

struct NatsBus::Parts {
  Parts(const NatsOptions& given, NatsReceiver& receiver)
      : options(given),
        subjects(given),
        stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        line(subjects, receiver) {
    CAIRN_CHECK(stop.valid());
  }

  // ---- the bus's own thread
  void Run();
  absl::StatusOr<NatsDialed> Dial();
  // Returns when the connection has ended.
  void Serve(NatsDialed dialed);
  // Until something has come, unless the host waits for that; `at_once`: only looks.
  void Wait(bool at_once);
  void Pause();

  // Immutable after construction.
  const NatsOptions options;
  const NatsSubjects subjects;
  const UniqueFd stop;

  // Thread-safe.
  NatsLine line;
  std::atomic<bool> stopping{false};
  std::atomic<bool> hosted{false};

  // The bus's own thread only.
  size_t next_url = 0;
  size_t failures = 0;
  absl::BitGen random;

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
      const Steady::time_point begun = Steady::now();
      Serve(*std::move(dialed));
      // A server that ends each connection at once is one that cannot be reached.
      if (Steady::now() - begun >= kLasting) {
        failures = 0;
      } else if (!stopping) {
        Pause();
      }
    } else if (!stopping) {
      line.TellDown(std::string(dialed.status().message()));
      Pause();
    }
  }
}

void NatsBus::Parts::Serve(NatsDialed dialed) {
  line.Begin(std::move(dialed));
  bool unread = line.Turn();
  while (!stopping && line.Check()) {
    Wait(unread);
    unread = !hosted && line.Turn();
  }
  line.Finish(stopping);
}

void NatsBus::Parts::Wait(bool at_once) {
  pollfd polled[] = {
      {stop.get(), POLLIN, 0}, {line.wake_fd(), POLLIN, 0}, {line.ready_fd(), POLLIN, 0}};
  poll(polled, hosted ? 2 : 3, at_once ? 0 : Until(line.next_check()));
  eventfd_t ignored = 0;
  eventfd_read(line.wake_fd(), &ignored);
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

std::unique_ptr<NatsBus> NatsBus::Start(const NatsOptions& options, NatsReceiver& receiver) {
  auto parts = std::make_unique<Parts>(options, receiver);
  parts->thread = std::thread([raw = parts.get()] { raw->Run(); });
  return std::unique_ptr<NatsBus>(new NatsBus(std::move(parts)));
}

NatsBus::NatsBus(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

NatsBus::~NatsBus() {
  CAIRN_CHECK(!parts_->hosted);
  parts_->stopping = true;
  eventfd_write(parts_->stop.get(), 1);
  parts_->thread.join();
}

bool NatsBus::Writable() { return parts_->line.Writable(); }

uint64_t NatsBus::lost() const { return parts_->line.lost(); }

void NatsBus::Send(const signaling::v1::MeshMessage& head, std::string_view items) {
  parts_->line.Send(head, items);
}

void NatsBus::OnHandled(signaling::v1::MeshMessage&& message) {
  parts_->line.OnHandled(std::move(message));
}

int NatsBus::ready_fd() const { return parts_->line.ready_fd(); }

bool NatsBus::OnReady() { return parts_->line.Turn(); }

void NatsBus::OnTurnEnds() { parts_->line.FlushGathered(); }

void NatsBus::OnHosted(bool hosted) {
  parts_->line.Gather(hosted);
  parts_->hosted = hosted;
  parts_->line.Wake();
}

}  // namespace cairn::core
