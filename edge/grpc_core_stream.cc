// The order of gRPC's callbacks: OnReadDone and OnWriteDone come once for each Start…(), on any
// thread; after one with ok = false the call is over; OnDone comes when nothing is in flight and
// the hold is removed, and is the last.
#include "edge/grpc_core_stream.h"

#include <absl/strings/str_cat.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "proto/link/cost.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

// While a stream is being destroyed, how often to look whether gRPC is done with it.
constexpr std::chrono::milliseconds kPoll{1};

class GrpcCoreStream final : public CoreStream,
                             private grpc::ClientBidiReactor<LaneToCore, CoreToLane> {
 public:
  GrpcCoreStream(std::shared_ptr<grpc::Channel> channel, const std::string& token,
                 CoreStreamListener& listener, LoopExecutor& executor)
      : listener_(listener),
        executor_(executor),
        channel_(std::move(channel)),
        stub_(Lanes::NewStub(channel_)) {
    if (!token.empty()) context_.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    stub_->async()->Open(&context_, this);
    // Lets the loop start reads and writes until the call is over.
    AddHold();
    StartRead(&received_);
    StartCall();
  }

  // A cancelled call ends at once; its memory must not go before.
  ~GrpcCoreStream() override {
    EndHold(true);
    while (!Finished()) std::this_thread::sleep_for(kPoll);
  }

  // ---- loop thread
  bool Writable() override {
    MutexLock lock(mu_);
    wants_write_ = writing_;
    return !writing_;
  }
  void Write(const LaneToCore& message) override {
    {
      MutexLock lock(mu_);
      if (over_) return;
      writing_ = true;
      AddHold();
    }
    // Not under mu_: gRPC may call back before it returns. The message is serialized before that.
    StartWrite(&message);
    RemoveHold();
  }
  size_t unread_cost() override {
    MutexLock lock(mu_);
    return inbox_cost_;
  }
  void Cancel() override { EndHold(true); }

 private:
  // ---- gRPC's threads
  void OnWriteDone(bool ok) override {
    MutexLock lock(mu_);
    writing_ = false;
    if (ok && std::exchange(wants_write_, false) && !destroyed_)
      executor_.Post([this] { listener_.OnStreamWritable(); });
  }
  void OnReadDone(bool ok) override {
    // The status that the core ended the call with is on its way.
    if (!ok) return EndHold(false);
    bool read_on = false;
    {
      MutexLock lock(mu_);
      inbox_cost_ += link::CostOf(received_);
      inbox_.emplace_back().Swap(&received_);
      if (!std::exchange(take_posted_, true)) executor_.Post([this] { TakeInbox(); });
      paused_ = inbox_cost_ > GrpcCoreStreamOpener::kMaxInboxCost;
      read_on = !paused_;
    }
    if (read_on) StartRead(&received_);
  }
  void OnDone(const grpc::Status& status) override {
    MutexLock lock(mu_);
    done_ = true;
    if (destroyed_) return;
    executor_.Post([this, code = static_cast<int>(status.error_code()),
                    message = status.error_message()] { listener_.OnStreamEnded(code, message); });
  }

  // ---- loop thread
  void TakeInbox() {
    bool resume = false;
    {
      MutexLock lock(mu_);
      take_posted_ = false;
      taken_.swap(inbox_);
      inbox_cost_ = 0;
      resume = std::exchange(paused_, false) && !over_;
      if (resume) AddHold();
    }
    if (resume) {
      StartRead(&received_);
      RemoveHold();
    }
    for (CoreToLane& message : taken_) listener_.OnStreamMessage(message);
    taken_.clear();
  }

  // ---- any thread
  // Ends the call, once: nothing is started any more.
  void EndHold(bool cancel) {
    if (cancel) context_.TryCancel();
    {
      MutexLock lock(mu_);
      if (std::exchange(over_, true)) return;
    }
    RemoveHold();
  }
  bool Finished() {
    MutexLock lock(mu_);
    destroyed_ = true;
    return done_;
  }

  // Borrowed; must outlive this.
  CoreStreamListener& listener_;
  LoopExecutor& executor_;
  // Immutable after construction.
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<Lanes::Stub> stub_;
  grpc::ClientContext context_;
  // Loop thread only.
  std::vector<CoreToLane> taken_;
  // Of the read in flight.
  CoreToLane received_;

  Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool wants_write_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<CoreToLane> inbox_ ABSL_GUARDED_BY(mu_);
  size_t inbox_cost_ ABSL_GUARDED_BY(mu_) = 0;
  bool paused_ ABSL_GUARDED_BY(mu_) = false;  // no read is in flight
  bool take_posted_ ABSL_GUARDED_BY(mu_) = false;
  bool over_ ABSL_GUARDED_BY(mu_) = false;       // the hold is removed, or about to be
  bool done_ ABSL_GUARDED_BY(mu_) = false;       // gRPC has forgotten the call
  bool destroyed_ ABSL_GUARDED_BY(mu_) = false;  // the loop has
};

}  // namespace

GrpcCoreStreamOpener::GrpcCoreStreamOpener(NewChannel new_channel, std::string token,
                                           LoopExecutor& executor)
    : new_channel_(std::move(new_channel)), token_(std::move(token)), executor_(executor) {}

std::unique_ptr<CoreStream> GrpcCoreStreamOpener::OpenStream(CoreStreamListener& listener) {
  return std::make_unique<GrpcCoreStream>(new_channel_(), token_, listener, executor_);
}

}  // namespace cairn::edge
