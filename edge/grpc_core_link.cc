#include "edge/grpc_core_link.h"

#include <absl/strings/str_cat.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/peer_id.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::edge {

using signaling::v1::CoreToLane;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

namespace {

// While shutting down, how often to look whether gRPC is done.
constexpr std::chrono::milliseconds kPoll{1};
// Of the loop, after which an empty message is written. gRPC's threads for callbacks stop polling
// for 100 ms when they have had nothing for a second (CallbackAlternativeCQ of gRPC 1.51), at both
// ends, and what comes meanwhile would wait for that.
constexpr int kSilentTicks = 4;
// Of a link that comes and goes.
constexpr int kOutagesSaid = 10;
constexpr absl::Duration kOutagesSaidPer = absl::Minutes(1);

}  // namespace

// One call. gRPC holds it until OnDone(); its own hold lets other threads start operations until
// the stream breaks.
class GrpcCoreLink::LaneStream final : public grpc::ClientBidiReactor<LaneToCore, CoreToLane> {
 public:
  explicit LaneStream(GrpcCoreLink& link) : link_(link), stub_(Lanes::NewStub(link.channel_)) {
    if (!link.token_.empty())
      context_.AddMetadata("authorization", absl::StrCat("Bearer ", link.token_));
    stub_->async()->Open(&context_, this);
    AddHold();
  }

  void Start() {
    StartRead(&received_);
    StartCall();
  }
  // REQUIRES: a hold.
  void ReadNext() { StartRead(&received_); }
  void Cancel() { context_.TryCancel(); }

  void OnWriteDone(bool ok) override {
    if (ok) link_.OnWritten();
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      link_.OnBroken();
      RemoveHold();
    } else if (link_.OnReceived(received_)) {
      ReadNext();
    }
  }
  void OnDone(const grpc::Status& status) override {
    link_.OnDone(status.error_code(), status.error_message());
  }

 private:
  GrpcCoreLink& link_;
  grpc::ClientContext context_;
  const std::unique_ptr<Lanes::Stub> stub_;
  CoreToLane received_;
};

GrpcCoreLink::GrpcCoreLink(std::shared_ptr<grpc::Channel> channel, std::string token,
                           LaneIdentity identity, CoreLinkListener& listener,
                           LoopExecutor& executor, Options options, const Clock& clock)
    : channel_(std::move(channel)),
      token_(std::move(token)),
      identity_(std::move(identity)),
      options_(options),
      listener_(listener),
      executor_(executor),
      backoff_(options.first_backoff, options.max_backoff, identity_.lane_id),
      outages_(clock, kOutagesSaid, kOutagesSaidPer) {
  executor_.Post([this] { OpenStream(); });
}

GrpcCoreLink::~GrpcCoreLink() {
  const auto flush_end =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(options_.flush_timeout);
  while (!Flushed() && std::chrono::steady_clock::now() < flush_end)
    std::this_thread::sleep_for(kPoll);
  {
    MutexLock lock(mu_);
    closing_ = true;
    if (held_) stream_->Cancel();
    // A stream nobody reads from would not learn of its end.
    if (held_ && read_paused_) stream_->ReadNext();
  }
  // A cancelled call ends at once; its memory must not go before.
  while (!Finished()) std::this_thread::sleep_for(kPoll);
}

bool GrpcCoreLink::Flushed() {
  MutexLock lock(mu_);
  return !usable_ || outbox_.idle();
}

bool GrpcCoreLink::Finished() {
  MutexLock lock(mu_);
  return !held_;
}

// ---- loop thread

void GrpcCoreLink::OpenStream() {
  LaneToCore opening;
  *opening.mutable_hello() = identity_.ToHello();
  listener_.AppendSnapshot(opening);
  opening.add_events()->set_kind(signaling::v1::LaneEvent::KIND_SNAPSHOT_END);
  LaneStream* stream = nullptr;
  {
    MutexLock lock(mu_);
    outbox_.Connect(std::move(opening));
    stream_ = std::make_unique<LaneStream>(*this);
    stream = stream_.get();
    usable_ = held_ = true;
    read_paused_ = false;
  }
  stream->Start();
  Pump();
}

void GrpcCoreLink::Submit(LaneToCore& batch) {
  {
    MutexLock lock(mu_);
    outbox_.Append(batch);
    if (outbox_.relay_bytes() > options_.max_backlog_bytes)
      congested_.store(true, std::memory_order_relaxed);
  }
  Pump();
}

size_t GrpcCoreLink::backlog_bytes() const {
  MutexLock lock(mu_);
  return outbox_.relay_bytes();
}

void GrpcCoreLink::TakeInbox() {
  LaneStream* resume = nullptr;
  {
    MutexLock lock(mu_);
    take_posted_ = false;
    taken_.swap(inbox_);
    inbox_bytes_ = 0;
    if (read_paused_ && usable_) {
      read_paused_ = false;
      resume = stream_.get();
      resume->AddHold();
    }
  }
  if (resume) {
    resume->ReadNext();
    resume->RemoveHold();
  }
  uint64_t delivered = 0;
  for (CoreToLane& message : taken_) {
    if (message.has_welcome()) {
      backoff_.Reset();
      log::Info(log::Edge(), "core_link_up",
                {{"lane", identity_.lane_index}, {"core", FormatId(message.welcome().core_id())}});
      outage_said_ = false;
    }
    listener_.OnCoreMessage(message);
    if (message.deliveries_size() > 0) delivered = message.deliveries().rbegin()->seq();
  }
  taken_.clear();
  if (delivered == 0) return;
  {
    MutexLock lock(mu_);
    outbox_.NoteDelivered(delivered);
  }
  Pump();
}

void GrpcCoreLink::Tick() {
  {
    MutexLock lock(mu_);
    outbox_.AckNow();
    if (++silent_ticks_ >= kSilentTicks) outbox_.BeatNow();
  }
  Pump();
}

void GrpcCoreLink::OnStreamEnded(int code, const std::string& message) {
  {
    MutexLock lock(mu_);
    stream_.reset();
    outbox_.Disconnect();
  }
  if (!outage_said_) {
    outage_said_ = true;
    if (const auto suppressed = outages_.Admit()) {
      log::Warn(log::Edge(), "core_link_lost",
                {{"lane", identity_.lane_index},
                 {"code", code},
                 {"message", log::Text(message)},
                 {"suppressed", *suppressed},
                 {"hint", log::Text("clients stay connected; trying again")}});
    }
  }
  executor_.PostAfter(backoff_.Next(), [this] { OpenStream(); });
}

// ---- any thread

void GrpcCoreLink::Pump() {
  LaneStream* stream = nullptr;
  const LaneToCore* message = nullptr;
  {
    MutexLock lock(mu_);
    if (!usable_) return;
    message = outbox_.StartWrite();
    if (!message) return;
    silent_ticks_ = 0;
    batches_.Add(message->events_size());
    stream = stream_.get();
    stream->AddHold();
  }
  // Not under mu_: gRPC may call back before it returns.
  stream->StartWrite(message);
  stream->RemoveHold();
}

// ---- gRPC's threads

void GrpcCoreLink::OnWritten() {
  {
    MutexLock lock(mu_);
    outbox_.FinishWrite();
    if (Relieved()) PostTake();
  }
  Pump();
}

bool GrpcCoreLink::Relieved() {
  // Half, so that reading does not stop and go with every acknowledgement.
  if (!congested() || outbox_.relay_bytes() >= options_.max_backlog_bytes / 2) return false;
  congested_.store(false, std::memory_order_relaxed);
  return true;
}

void GrpcCoreLink::PostTake() {
  if (take_posted_ || closing_) return;
  take_posted_ = true;
  executor_.Post([this] { TakeInbox(); });
}

bool GrpcCoreLink::OnReceived(CoreToLane& message) {
  MutexLock lock(mu_);
  outbox_.Ack(message.acked_seq());
  if (message.has_welcome()) connected_.store(true, std::memory_order_relaxed);
  const bool relieved = Relieved();
  if (message.deliveries_size() > 0 || message.has_welcome() || message.commands_size() > 0 ||
      message.answers_size() > 0 || message.notices_size() > 0 || message.roster_size() > 0) {
    for (const auto& delivery : message.deliveries()) inbox_bytes_ += delivery.payload().size();
    inbox_.emplace_back().Swap(&message);
  }
  if (relieved || !inbox_.empty()) PostTake();
  read_paused_ = inbox_bytes_ > kMaxInboxBytes;
  return !read_paused_;
}

void GrpcCoreLink::OnBroken() {
  MutexLock lock(mu_);
  usable_ = false;
  connected_.store(false, std::memory_order_relaxed);
}

void GrpcCoreLink::OnDone(int code, const std::string& message) {
  MutexLock lock(mu_);
  held_ = false;
  if (!closing_) executor_.Post([this, code, message] { OnStreamEnded(code, message); });
}

}  // namespace cairn::edge
