#include "core/lane_service.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "base/log.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"
#include "core/authority.h"
#include "core/grpc_status.h"
#include "core/lane_intake.h"
#include "core/router.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

// One stream: messages in both directions.
//
// The order of gRPC's callbacks: OnReadDone comes once for each StartRead(), OnWriteDone for each
// StartWrite(); OnCancel when the call ended early; OnDone last, when no operation is in progress.
// Each may run on any thread, and at the same time as others.
//
// Messages are received as bytes, because their size when parsed must be checked first.
class LaneReactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                          public LaneStream,
                          public std::enable_shared_from_this<LaneReactor> {
 public:
  LaneReactor(Core& core, grpc::CallbackServerContext& context, Caller caller)
      : core_(core), context_(context), intake_(core, std::move(caller.edge)) {}

  // Called once, after construction: gRPC holds the reactor until OnDone(). The call ends when the
  // credential is revoked.
  void Begin(Authority& authority) {
    self_ = shared_from_this();
    lease_ = authority.Hold(CredentialsOf(context_), Capability::kOpenLane,
                            [lane = weak_from_this()](const absl::Status& status) {
                              if (const auto reactor = lane.lock()) reactor->Revoke(status);
                            });
    MutexLock lock(mu_);
    if (!finishing_) StartRead(&received_);
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
    bool own = false;
    sent_.Clear();  // gRPC has copied the last one
    grpc::SerializationTraits<CoreToLane>::Serialize(message, &sent_, &own);
    StartWrite(&sent_);
  }
  void OnHandled(LaneToCore&& batch) override {
    MutexLock lock(mu_);
    if (finishing_) return;
    intake_.Reuse(std::move(batch));
    StartRead(&received_);
  }
  void Close(const absl::Status& status) override { BeginFinish(ToGrpc(status)); }

  // ---- gRPC
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override {
    intake_.OnClosed(self_);
    BeginFinish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    // The router may hold the stream for longer than there is an authority.
    lease_ = {};
    intake_.OnClosed(self_);
    const std::shared_ptr<LaneReactor> last = std::move(self_);
  }

 private:
  // Any thread: the credential is no longer valid.
  void Revoke(const absl::Status& status);
  // Finishes the call; if a write is in progress, its callback does so.
  enum class PendingWrite { kCancel, kAwait };
  // kAwait: the lane is told the status, once it has read what it was written. If it does not read,
  // the router gives it up in time, and that cancels the write.
  void BeginFinish(const grpc::Status& status, PendingWrite in_progress = PendingWrite::kCancel);

  // Borrowed; must outlive this.
  Core& core_;
  grpc::CallbackServerContext& context_;  // until OnDone()
  // Changed only by Begin() and OnDone().
  std::shared_ptr<LaneReactor> self_;
  Authority::Lease lease_;
  // The read in progress.
  grpc::ByteBuffer received_;
  LaneIntake intake_;
  // The write in progress.
  grpc::ByteBuffer sent_;

  Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool wants_write_ ABSL_GUARDED_BY(mu_) = false;
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;  // no further operation may be started
  grpc::Status final_status_ ABSL_GUARDED_BY(mu_);
};

void LaneReactor::OnReadDone(bool ok) {
  if (!ok) {
    intake_.OnClosed(self_);
    return BeginFinish(grpc::Status::OK);
  }
  {
    MutexLock lock(mu_);
    if (finishing_) return;
  }
  grpc::Slice bytes;
  if (!received_.TrySingleSlice(&bytes).ok() && !received_.DumpToSingleSlice(&bytes).ok())
    return BeginFinish(grpc::Status(grpc::StatusCode::INTERNAL, "out of memory"));
  received_.Clear();
  const std::string_view view(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  if (const absl::Status status = intake_.OnMessage(view, self_); !status.ok())
    BeginFinish(ToGrpc(status), PendingWrite::kAwait);
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

void LaneReactor::Revoke(const absl::Status& status) {
  intake_.Refuse(LaneRefusal::kCredential);
  BeginFinish(ToGrpc(status), PendingWrite::kAwait);
}

void LaneReactor::BeginFinish(const grpc::Status& status, PendingWrite in_progress) {
  // OnDone() may run before this returns.
  const std::shared_ptr<LaneReactor> keep = shared_from_this();
  MutexLock lock(mu_);
  const bool is_first = !std::exchange(finishing_, true);
  if (is_first) final_status_ = status;
  if (!writing_) return is_first ? Finish(status) : void();
  // A write can hang for as long as the lane does not read.
  if (in_progress == PendingWrite::kCancel) context_.TryCancel();
}

// A call that is not authorized to open a lane.
class RefusedLane final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit RefusedLane(const absl::Status& status) {
    Finish(
        grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message())));
  }
  void OnDone() override { delete this; }
};

class LaneService final : public Lanes::WithRawCallbackMethod_Open<Lanes::Service> {
 public:
  LaneService(Core& core, Authority& authority)
      : core_(core), authority_(authority), refusals_(core.clock()) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(
      grpc::CallbackServerContext* context) override {
    Caller caller;
    const absl::Status status = authority_.CheckCall(*context, Capability::kOpenLane, &caller);
    if (!status.ok()) {
      CountRefused();
      LogRefused(status);
      return new RefusedLane(status);
    }
    if (!core_.TakesLanes()) return new RefusedLane(LaneIntake::TakesNone());
    const auto reactor = std::make_shared<LaneReactor>(core_, *context, std::move(caller));
    reactor->Begin(authority_);
    return reactor.get();
  }

 private:
  void CountRefused() {
    RouterInput count =
        AdminCall{[](Router& router) { router.refusals().Count(LaneRefusal::kCredential); }};
    core_.Enter(count);
  }
  // An edge with a wrong credential retries again and again.
  void LogRefused(const absl::Status& status) {
    MutexLock lock(mu_);
    const auto suppressed = refusals_.Admit();
    if (!suppressed) return;
    log::Warn(log::Core(), "lane_refused",
              {{"error", log::Text(status.message())}, {"suppressed", *suppressed}});
  }

  // Borrowed; must outlive this.
  Core& core_;
  Authority& authority_;
  Mutex mu_;
  LogLimiter refusals_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<grpc::Service> NewLaneService(Core& core, Authority& authority) {
  return std::make_unique<LaneService>(core, authority);
}

}  // namespace cairn::core
