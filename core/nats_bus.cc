#include "core/nats_bus.h"

#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "base/host_port.h"
#include "base/text_file.h"
#include "base/thread_annotations.h"
#include "core/bus_queue.h"
#include "core/nats_session.h"
#include "core/nkey.h"
#include "core/spare_messages.h"

namespace cairn::core {
namespace {

constexpr absl::Duration kShortestPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr char kDefaultPort[] = "4222";

absl::StatusOr<std::string> PublicKeyOf(const std::string& path) {
  if (path.empty()) return std::string();
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::string> key = PublicNkey(*text);
  if (!key.ok())
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", key.status().message()));
  return key;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseNatsUrls(std::string_view text) {
  std::vector<std::string> urls;
  std::string scheme = "nats";
  for (std::string one : std::vector<std::string>(absl::StrSplit(std::string(text), ','))) {
    if (const size_t at = one.find("://"); at != std::string::npos) {
      scheme = one.substr(0, at);
      one.erase(0, at + 3);
    }
    if (scheme != "nats" && scheme != "tls") {
      return absl::InvalidArgumentError(
          absl::StrCat("'", std::string(text), "': a URL of NATS begins with nats:// or tls://"));
    }
    absl::StatusOr<HostPort> address = ParseHostPort(one);
    if (!address.ok()) return address.status();
    urls.push_back(absl::StrCat(
        scheme, "://",
        JoinHostPort(address->host, address->port.empty() ? kDefaultPort : address->port)));
  }
  return urls;
}

struct NatsBus::Parts {
  Parts(NatsOptions given, std::string key, NatsReceiver& to)
      : options(std::move(given)), public_key(std::move(key)), receiver(to) {}

  void Run();
  absl::StatusOr<std::unique_ptr<NatsSession>> Connect();
  // Until the session breaks.
  void SendAll(NatsSession& session);
  void Break(std::string reason);
  void Receive(std::string_view bytes);
  void Pause();
  void Tell(bool up, std::string_view reason);
  void TellWritable();

  // Immutable after construction.
  const NatsOptions options;
  const std::string public_key;

  // Thread-safe.
  BusQueue queue;
  SpareMessages received;
  std::atomic<bool> stopping{false};

  // Sender thread only.
  size_t next_url = 0;
  size_t failures = 0;
  absl::BitGen random;

  Mutex mu;
  CondVar stop_asked;
  // Guarded by mu.
  std::string broken ABSL_GUARDED_BY(mu);  // why the session is to end; empty: it lives

  Mutex calling;
  NatsReceiver& receiver ABSL_GUARDED_BY(calling);  // Borrowed; must outlive this.

  std::thread sender;
};

absl::StatusOr<std::unique_ptr<NatsSession>> NatsBus::Parts::Connect() {
  {
    const MutexLock lock(mu);
    broken.clear();
  }
  const std::string& url = options.urls[next_url++ % options.urls.size()];
  absl::StatusOr<std::unique_ptr<NatsSession>> session =
      NatsSession::Open(url, options, public_key,
                        {[this](std::string_view bytes) { Receive(bytes); },
                         [this](uint64_t core_id) {
                           const MutexLock lock(calling);
                           receiver.OnNobody(core_id);
                         },
                         [this](std::string reason) { Break(std::move(reason)); }});
  if (!session.ok())
    return absl::UnavailableError(absl::StrCat(url, ": ", session.status().message()));
  return session;
}

void NatsBus::Parts::Run() {
  while (!stopping) {
    absl::StatusOr<std::unique_ptr<NatsSession>> session = Connect();
    if (!session.ok()) {
      Tell(false, std::string(session.status().message()));
      Pause();
      continue;
    }
    failures = 0;
    const bool awaited = queue.Open();
    // If the connection has broken meanwhile, SendAll() returns at once.
    Tell(true, "");
    if (awaited) TellWritable();
    SendAll(**session);
    queue.Close();
    session->reset();
    if (!stopping) {
      const MutexLock lock(mu);
      Tell(false, broken);
    }
  }
}

void NatsBus::Parts::SendAll(NatsSession& session) {
  while (true) {
    {
      const MutexLock lock(mu);
      if (!broken.empty()) return;
    }
    BusQueue::Taken taken = queue.Take();
    if (taken.messages.empty()) return;
    for (const BusQueue::Message& message : taken.messages) {
      if (const absl::Status status = session.Publish(message.to, message.bytes); !status.ok()) {
        return Break(std::string(status.message()));
      }
    }
    queue.GiveBack(taken.messages);
    if (taken.now_writable) TellWritable();
  }
}

void NatsBus::Parts::Break(std::string reason) {
  const MutexLock lock(mu);
  if (broken.empty()) broken = std::move(reason);
  queue.Close();
}

// Each server is tried once without a pause.
void NatsBus::Parts::Pause() {
  if (++failures % options.urls.size() != 0) return;
  const size_t rounds = std::min<size_t>(failures / options.urls.size(), 8);
  const absl::Duration longest = std::min(kLongestPause, kShortestPause * (1 << rounds));
  const auto end = std::chrono::steady_clock::now() +
                   absl::ToChronoMicroseconds(absl::Uniform(random, 0.5, 1.0) * longest);
  const MutexLock lock(mu);
  while (!stopping && stop_asked.WaitUntil(mu, end)) {
  }
}

void NatsBus::Parts::Receive(std::string_view bytes) {
  signaling::v1::MeshMessage message = received.Take();
  const bool is_whole = bytes.size() <= kMaxBusMessageBytes &&
                        message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!is_whole) return;
  const MutexLock lock(calling);
  receiver.OnMessage(std::move(message));
}

void NatsBus::Parts::Tell(bool up, std::string_view reason) {
  const MutexLock lock(calling);
  receiver.OnState(up, reason);
}

void NatsBus::Parts::TellWritable() {
  const MutexLock lock(calling);
  receiver.OnWritable();
}

absl::StatusOr<std::unique_ptr<NatsBus>> NatsBus::Start(const NatsOptions& options,
                                                        NatsReceiver& receiver) {
  absl::StatusOr<std::string> key = PublicKeyOf(options.nkey_file);
  if (!key.ok()) return key.status();
  auto parts = std::make_unique<Parts>(options, *std::move(key), receiver);
  parts->sender = std::thread([raw = parts.get()] { raw->Run(); });
  return std::unique_ptr<NatsBus>(new NatsBus(std::move(parts)));
}

NatsBus::NatsBus(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

NatsBus::~NatsBus() {
  {
    const MutexLock lock(parts_->mu);
    parts_->stopping = true;
    parts_->stop_asked.Signal();
  }
  parts_->Break("stopped");
  parts_->sender.join();
}

bool NatsBus::Writable() { return parts_->queue.Writable(); }

uint64_t NatsBus::lost() const { return parts_->queue.lost(); }

void NatsBus::Send(const signaling::v1::MeshMessage& head, std::string_view items) {
  BusQueue::Message message;
  if (head.to() != 0) message.to = head.to();
  message.bytes = parts_->queue.TakeSpare();
  message.bytes.reserve(head.ByteSizeLong() + items.size());
  head.SerializeToString(&message.bytes);
  message.bytes.append(items);
  parts_->queue.Put(std::move(message));
}

void NatsBus::OnHandled(signaling::v1::MeshMessage&& message) {
  parts_->received.Give(std::move(message));
}

}  // namespace cairn::core
