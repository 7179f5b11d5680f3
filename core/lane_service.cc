#include "core/lane_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "base/log.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"
#include "core/authority.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

// One stream: messages in both directions, and nothing else.
//
// gRPC's order: OnReadDone comes once for each StartRead(), OnWriteDone for each StartWrite();
// OnCancel when the call has ended early; OnDone last, when nothing is in flight. Any of them may
// come on any thread, also at the same time.
class LaneReactor final : public grpc::ServerBidiReactor<LaneToCore, CoreToLane>,
                          public LaneStream,
                          public std::enable_shared_from_this<LaneReactor> {
 public:
  LaneReactor(Core& core, grpc::CallbackServerContext& context) : core_(core), context_(context) {}

  // Once, after construction: gRPC holds the reactor until OnDone().
  void Begin() {
    self_ = shared_from_this();
    StartRead(&received_);
  }

  // ---- LaneStream
  bool Writable() override {
    MutexLock lock(mu_);
    wants_write_ = writing_;
    return !writing_;
  }
  void Write(const CoreToLane& message) override {
    MutexLock lock(mu_);
    if (finishing_) return;
    writing_ = true;
    StartWrite(&message);  // serializes it before it returns
  }
  void OnHandled(LaneToCore batch) override {
    MutexLock lock(mu_);
    if (finishing_) return;
    received_ = std::move(batch);  // for its memory
    StartRead(&received_);
  }
  void Close(const absl::Status& status) override {
    BeginFinish(
        grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message())));
  }

  // ---- gRPC
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override {
    TellClosed();
    BeginFinish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    TellClosed();
    const std::shared_ptr<LaneReactor> last = std::move(self_);
  }

 private:
  // Hands the lane to the router, or ends the call.
  void Open();
  // Once: the router is told that the stream is gone.
  void TellClosed();
  // Finishes the call, or leaves that to the write in flight, which is cancelled.
  void BeginFinish(const grpc::Status& status);

  // Borrowed; must outlive this.
  Core& core_;
  grpc::CallbackServerContext& context_;  // until OnDone()
  // Changed by Begin() and OnDone() alone.
  std::shared_ptr<LaneReactor> self_;
  // Of the read in flight.
  LaneToCore received_;
  // Written before the router knows of the lane.
  std::string edge_;
  uint32_t lane_index_ = 0;

  Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool wants_write_ ABSL_GUARDED_BY(mu_) = false;
  bool opened_ ABSL_GUARDED_BY(mu_) = false;     // the router knows of it, or is about to
  bool closed_ ABSL_GUARDED_BY(mu_) = false;     // the call is over
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;  // nothing is started any more
  grpc::Status final_status_ ABSL_GUARDED_BY(mu_);
};

void LaneReactor::OnReadDone(bool ok) {
  if (!ok) {
    TellClosed();
    return BeginFinish(grpc::Status::OK);
  }
  bool opened = false;
  {
    MutexLock lock(mu_);
    opened = opened_;
  }
  if (!opened) return Open();
  RouterInput input = LaneBatch{self_, std::move(received_)};
  core_.Enter(input);
}

void LaneReactor::OnWriteDone(bool ok) {
  {
    MutexLock lock(mu_);
    writing_ = false;
    if (finishing_) return Finish(final_status_);
    if (!ok || !std::exchange(wants_write_, false)) return;
  }
  RouterInput writable = LaneWritable{self_};
  core_.Enter(writable);
}

void LaneReactor::Open() {
  const signaling::v1::Hello hello = received_.hello();
  if (hello.protocol_version() != Router::kProtocolVersion || hello.lane_id() == 0) {
    return BeginFinish(
        grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                     "the first message must have a Hello of protocol version 2 with a lane_id"));
  }
  edge_ = hello.edge();
  lane_index_ = hello.lane_index();
  {
    MutexLock lock(mu_);
    if (closed_) return;
    opened_ = true;
  }
  log::Info(log::Core(), "lane_opened", {{"edge", log::Text(edge_)}, {"lane", lane_index_}});
  RouterInput opened = LaneOpened{self_, hello};
  core_.Enter(opened);
  // If the call has ended meanwhile, the router may have been told before it knew the lane.
  {
    MutexLock lock(mu_);
    if (!closed_) return;
  }
  RouterInput closed = LaneClosed{self_};
  core_.Enter(closed);
}

void LaneReactor::TellClosed() {
  {
    MutexLock lock(mu_);
    if (std::exchange(closed_, true) || !opened_) return;
  }
  RouterInput closed = LaneClosed{self_};
  core_.Enter(closed);
  log::Info(log::Core(), "lane_closed", {{"edge", log::Text(edge_)}, {"lane", lane_index_}});
}

void LaneReactor::BeginFinish(const grpc::Status& status) {
  // OnDone() may come before this returns.
  const std::shared_ptr<LaneReactor> keep = shared_from_this();
  MutexLock lock(mu_);
  if (std::exchange(finishing_, true)) return;
  final_status_ = status;
  if (!writing_) return Finish(status);
  // A write may hang for as long as the lane does not read.
  context_.TryCancel();
}

// A call that may not open a lane.
class RefusedLane final : public grpc::ServerBidiReactor<LaneToCore, CoreToLane> {
 public:
  explicit RefusedLane(const absl::Status& status) {
    Finish(
        grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message())));
  }
  void OnDone() override { delete this; }
};

class LaneService final : public Lanes::CallbackService {
 public:
  LaneService(Core& core, const Authority& authority)
      : core_(core), authority_(authority), refusals_(core.clock()) {}

  grpc::ServerBidiReactor<LaneToCore, CoreToLane>* Open(
      grpc::CallbackServerContext* context) override {
    const absl::Status status = authority_.CheckCall(*context, Capability::kOpenLane);
    if (!status.ok()) {
      LogRefused(status);
      return new RefusedLane(status);
    }
    const auto reactor = std::make_shared<LaneReactor>(core_, *context);
    reactor->Begin();
    return reactor.get();
  }

 private:
  // An edge with a wrong credential tries again and again.
  void LogRefused(const absl::Status& status) {
    MutexLock lock(mu_);
    const auto suppressed = refusals_.Admit();
    if (!suppressed) return;
    log::Warn(log::Core(), "lane_refused",
              {{"error", log::Text(status.message())}, {"suppressed", *suppressed}});
  }

  // Borrowed; must outlive this.
  Core& core_;
  const Authority& authority_;
  Mutex mu_;
  LogLimiter refusals_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<grpc::Service> NewLaneService(Core& core, const Authority& authority) {
  return std::make_unique<LaneService>(core, authority);
}

}  // namespace cairn::core
