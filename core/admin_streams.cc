// AdminStreams: feeds, streams from other cores, and refusals.
#include "core/admin_streams.h"

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "base/thread_annotations.h"
#include "core/admin_calls.h"
#include "core/feed_queue.h"
#include "core/grpc_status.h"
#include "core/router.h"

namespace cairn::core {
namespace {

namespace v1 = signaling::v1;

template <typename Message>
class RefusedStream final : public grpc::ServerWriteReactor<Message> {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

// Messages that any thread queues are written one at a time; then the stream finishes. Queue has
// Take(Message&), false when nothing waits, and Clear().
//
// Owner:  itself, from Begin() to OnDone(); the code that queues messages holds a reference too.
template <typename Message, typename Queue>
class QueuedStream : public grpc::ServerWriteReactor<Message>,
                     public std::enable_shared_from_this<QueuedStream<Message, Queue>> {
 public:
  explicit QueuedStream(Queue queue) : queue_(std::move(queue)) {}

  // Once, after construction. `on_abort` is called at most once, when the reader has disconnected
  // or may no longer read.
  void Begin(std::function<void()> on_abort) {
    self_ = this->shared_from_this();
    {
      MutexLock lock(mu_);
      on_abort_ = std::move(on_abort);
    }
    // The reader of a feed without records learns that it was admitted.
    this->StartSendInitialMetadata();
  }
  // Once, after Begin().
  void SetLease(Authority::Lease lease) { lease_ = std::move(lease); }

  // Calls change(queue) under the lock, unless the stream has ended.
  template <typename Change>
  void Update(Change change) {
    {
      MutexLock lock(mu_);
      if (ended_) return;
      change(queue_);
    }
    Pump();
  }
  // Finishes the stream after the messages that wait. Only the first status counts.
  void End(const grpc::Status& status) {
    {
      MutexLock lock(mu_);
      if (std::exchange(ended_, true)) return;
      status_ = status;
    }
    Pump();
  }
  // Finishes it without them.
  void Abort(const grpc::Status& status) {
    std::function<void()> on_abort;
    {
      MutexLock lock(mu_);
      queue_.Clear();
      on_abort = std::exchange(on_abort_, nullptr);
      if (!std::exchange(ended_, true)) status_ = status;
    }
    if (on_abort) on_abort();
    Pump();
  }
  bool ended() {
    MutexLock lock(mu_);
    return ended_;
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mu_);
      in_flight_ = false;
    }
    OnWritten();
    ok ? Pump() : Abort(grpc::Status::CANCELLED);
  }
  void OnCancel() override { Abort(grpc::Status::CANCELLED); }
  void OnDone() override {
    lease_ = {};
    const auto last = std::move(self_);
  }

 protected:
  virtual void OnWritten() {}

 private:
  // Writes the next message, or finishes after the last one.
  void Pump() {
    std::optional<grpc::Status> finish;
    {
      MutexLock lock(mu_);
      if (in_flight_ || finished_) return;
      if (queue_.Take(writing_)) {
        in_flight_ = true;
      } else if (ended_) {
        finished_ = true;
        finish = status_;
      } else {
        return;
      }
    }
    if (finish) return this->Finish(*finish);
    this->StartWrite(&writing_);
  }

  // Immutable after Begin().
  std::shared_ptr<QueuedStream> self_;
  Authority::Lease lease_;
  // Not changed while a write is in progress.
  Message writing_;

  Mutex mu_;
  Queue queue_ ABSL_GUARDED_BY(mu_);
  std::function<void()> on_abort_ ABSL_GUARDED_BY(mu_);
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
  bool in_flight_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;     // nothing more is queued
  bool finished_ ABSL_GUARDED_BY(mu_) = false;  // Finish() was called
};

template <typename Record>
using Feed = QueuedStream<Record, FeedQueue<Record>>;

class WatchStream final : public Feed<v1::Event>, public EventListener {
 public:
  WatchStream()
      : QueuedStream(FeedQueue<v1::Event>(
            kMaxQueuedEvents, [](v1::Event& event) { event.set_kind(v1::Event::KIND_MISSED); })) {}
  void OnEvent(const v1::Event& event) override {
    Update([&](auto& queue) { queue.Add(event); });
  }
};

class TraceStream final : public Feed<v1::TraceRecord>, public TraceListener {
 public:
  TraceStream() : QueuedStream(FeedQueue<v1::TraceRecord>(kMaxQueuedEvents)) {}
  void OnFrame(const v1::TraceRecord& record) override {
    Update([&](auto& queue) { queue.Add(record); });
  }
};

// Bounded by the window of the call.
template <typename Message>
class AnswerQueue {
 public:
  void Add(Message message) {
    if constexpr (kIsFeed) message.set_missed(message.missed() + std::exchange(missed_, 0));
    queue_.push_back(std::move(message));
  }
  void AddMissed(uint64_t count) { missed_ += count; }
  bool Take(Message& message) {
    if (queue_.empty()) return false;
    message = std::move(queue_.front());
    queue_.pop_front();
    return true;
  }
  void Clear() { queue_.clear(); }

 private:
  static constexpr bool kIsFeed = requires(Message & message) { message.set_missed(uint64_t{1}); };

  std::deque<Message> queue_;
  uint64_t missed_ = 0;
};

template <typename Message>
class FleetStream final : public QueuedStream<Message, AnswerQueue<Message>>, public FleetListener {
 public:
  explicit FleetStream(FleetCalls& calls)
      : QueuedStream<Message, AnswerQueue<Message>>(AnswerQueue<Message>()), calls_(calls) {}

  // Once, after construction, with a reference to this.
  void Ask(uint64_t core, FleetCalls::Frame::Method method, std::string request, bool may_operate,
           const std::shared_ptr<FleetListener>& self) {
    this->Begin([this] { Cancel(); });
    call_ = calls_.Ask(core, method, std::move(request), may_operate, self);
    if (this->ended()) Cancel();
  }

  void OnMessage(uint64_t call, std::string body) override {
    call_ = call;
    Message message;
    if (!message.ParseFromString(body))
      return this->Abort({grpc::StatusCode::DATA_LOSS, "an answer cannot be read"});
    this->Update([&](auto& queue) { queue.Add(std::move(message)); });
  }
  void OnMissed(uint64_t count) override {
    this->Update([&](auto& queue) { queue.AddMissed(count); });
  }
  void OnEnd(const absl::Status& status) override { this->End(ToGrpc(status)); }

 private:
  void OnWritten() override { calls_.Took(call_); }
  void Cancel() { calls_.Cancel(call_); }

  FleetCalls& calls_;              // Borrowed; must outlive this.
  std::atomic<uint64_t> call_{0};  // 0: not known yet
};

}  // namespace

// ---- of this core

template <typename Feed>
void AdminStreams::HoldLease(const std::shared_ptr<Feed>& feed, const Credentials& caller) {
  feed->SetLease(authority_.Hold(caller, Capability::kView,
                                 [weak = std::weak_ptr(feed)](const absl::Status& status) {
                                   if (const auto living = weak.lock())
                                     living->Abort(ToGrpc(status));
                                 }));
}

template <typename Feed, typename Listener, typename Join>
Feed* AdminStreams::Begin(const std::shared_ptr<Feed>& feed, const Credentials& caller, Join join) {
  feed->Begin([&core = core_, listener = static_cast<const Listener*>(feed.get())] {
    RouterInput leave = AdminCall{[listener](Router& router) { router.feed().Remove(listener); }};
    core.Enter(leave);
  });
  RouterInput enter = AdminCall{[feed, join](Router& router) {
    if (!join(router.feed(), feed)) feed->End(ToGrpc(AdminCalls::TooManyListeners()));
  }};
  core_.Enter(enter);
  HoldLease(feed, caller);
  return feed.get();
}

AdminStreams::Stream<v1::Event>* AdminStreams::Watch(const v1::WatchRequest& request,
                                                     LiveFeed::Place place,
                                                     const Credentials& caller) {
  return Begin<WatchStream, EventListener>(std::make_shared<WatchStream>(), caller,
                                           [request, place](LiveFeed& feed, auto stream) {
                                             return feed.AddWatcher(stream, request, place);
                                           });
}

AdminStreams::Stream<v1::TraceRecord>* AdminStreams::Trace(const v1::TraceRequest& request,
                                                           LiveFeed::Place place,
                                                           const Credentials& caller) {
  const absl::StatusOr<uint64_t> peer = AdminCalls::PeerToTrace(request);
  if (!peer.ok()) return Refused<v1::TraceRecord>(peer.status());
  return Begin<TraceStream, TraceListener>(
      std::make_shared<TraceStream>(), caller,
      [peer = *peer, topic = request.topic(), place](LiveFeed& feed, auto stream) {
        return feed.AddTracer(stream, peer, topic, place);
      });
}

// ---- of another core, and none

template <typename Message>
AdminStreams::Stream<Message>* AdminStreams::FromCore(FleetCalls& calls, uint64_t core,
                                                      FleetCalls::Frame::Method method,
                                                      std::string request, bool may_operate,
                                                      const Credentials& caller) {
  const auto stream = std::make_shared<FleetStream<Message>>(calls);
  stream->Ask(core, method, std::move(request), may_operate, stream);
  HoldLease(stream, caller);
  return stream.get();
}

template <typename Message>
AdminStreams::Stream<Message>* AdminStreams::Refused(const absl::Status& status) {
  return new RefusedStream<Message>(status);
}

#define CAIRN_ADMIN_STREAM(Message)                                                             \
  template AdminStreams::Stream<Message>* AdminStreams::FromCore(                               \
      FleetCalls&, uint64_t, FleetCalls::Frame::Method, std::string, bool, const Credentials&); \
  template AdminStreams::Stream<Message>* AdminStreams::Refused<Message>(const absl::Status&);
CAIRN_ADMIN_STREAM(v1::ListPeersResponse)
CAIRN_ADMIN_STREAM(v1::ListTopicsResponse)
CAIRN_ADMIN_STREAM(v1::Event)
CAIRN_ADMIN_STREAM(v1::TraceRecord)
#undef CAIRN_ADMIN_STREAM

}  // namespace cairn::core
