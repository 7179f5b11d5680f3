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
#include "core/lane_rules.h"
#include "proto/link/parse_cost.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

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
      : core_(core), context_(context), limits_(core.limits()), caller_(std::move(caller)) {}

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
  void OnHandled(LaneToCore batch) override {
    MutexLock lock(mu_);
    if (finishing_) return;
    message_ = std::move(batch);  // its memory is reused
    StartRead(&received_);
  }
  void Close(const absl::Status& status) override { BeginFinish(ToGrpc(status)); }

  // ---- gRPC
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override {
    TellClosed();
    BeginFinish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    // The router may hold the stream for longer than there is an authority.
    lease_ = {};
    TellClosed();
    const std::shared_ptr<LaneReactor> last = std::move(self_);
  }

 private:
  // Parses what was read into message_. False when it must not be handled.
  bool Parse();
  // Passes the lane to the router, or ends the call.
  void Open();
  // Ends the call, and counts the refusal for that edge's lane.
  void Refuse(LaneRefusal reason, const absl::Status& status, const std::string& edge,
              uint32_t lane_index);
  // Any thread: the credential is no longer valid.
  void Revoke(const absl::Status& status);
  // Tells the router, once, that the stream has ended.
  void TellClosed();
  // Finishes the call; if a write is in progress, its callback does so.
  enum class PendingWrite { kCancel, kAwait };
  // kAwait: the lane is told the status, once it has read what it was written. If it does not read,
  // the router gives it up in time, and that cancels the write.
  void BeginFinish(const grpc::Status& status, PendingWrite in_progress = PendingWrite::kCancel);

  // Borrowed; must outlive this.
  Core& core_;
  grpc::CallbackServerContext& context_;  // until OnDone()
  const CoreLimits& limits_;
  // Immutable after construction.
  const Caller caller_;
  // Changed only by Begin() and OnDone().
  std::shared_ptr<LaneReactor> self_;
  Authority::Lease lease_;
  // The read in progress.
  grpc::ByteBuffer received_;
  LaneToCore message_;
  // The write in progress.
  grpc::ByteBuffer sent_;
  // Written before the router knows the lane.
  std::string edge_;
  uint32_t lane_index_ = 0;

  Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool wants_write_ ABSL_GUARDED_BY(mu_) = false;
  bool opened_ ABSL_GUARDED_BY(mu_) = false;     // the router knows the stream, or soon will
  bool closed_ ABSL_GUARDED_BY(mu_) = false;     // the call has ended
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;  // no further operation may be started
  grpc::Status final_status_ ABSL_GUARDED_BY(mu_);
};

void LaneReactor::OnReadDone(bool ok) {
  if (!ok) {
    TellClosed();
    return BeginFinish(grpc::Status::OK);
  }
  {
    MutexLock lock(mu_);
    if (finishing_) return;
  }
  if (!Parse()) {
    return Refuse(
        LaneRefusal::kTooLong,
        absl::InvalidArgumentError("a message is none of lane.proto, or has too many items"), edge_,
        lane_index_);
  }
  bool opened = false;
  {
    MutexLock lock(mu_);
    opened = opened_;
  }
  if (!opened) return Open();
  RouterInput input = LaneBatch{self_, std::move(message_)};
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

bool LaneReactor::Parse() {
  grpc::Slice bytes;
  if (!received_.TrySingleSlice(&bytes).ok() && !received_.DumpToSingleSlice(&bytes).ok())
    return false;
  received_.Clear();
  const std::string_view view(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  return link::CountFields(view) <= limits_.max_fields &&
         message_.ParseFromArray(view.data(), static_cast<int>(view.size()));
}

void LaneReactor::Refuse(LaneRefusal reason, const absl::Status& status, const std::string& edge,
                         uint32_t lane_index) {
  RouterInput refuse = AdminCall{
      [reason, edge, lane_index](Router& router) { router.Refuse(reason, edge, lane_index); }};
  core_.Enter(refuse);
  BeginFinish(ToGrpc(status), PendingWrite::kAwait);
}

void LaneReactor::Revoke(const absl::Status& status) {
  std::string edge;
  uint32_t lane_index = 0;
  {
    MutexLock lock(mu_);
    if (opened_) {
      edge = edge_;
      lane_index = lane_index_;
    }
  }
  Refuse(LaneRefusal::kCredential, status, edge, lane_index);
}

void LaneReactor::Open() {
  const signaling::v1::Hello hello = message_.hello();
  if (WhyRefused(message_, limits_)) {
    return Refuse(LaneRefusal::kHello,
                  absl::FailedPreconditionError(
                      "the first message must be a Hello of protocol version 2, whose fields are "
                      "within the bounds of CoreLimits"),
                  "", 0);
  }
  edge_ = hello.edge();
  lane_index_ = hello.lane_index();
  if (!ProvesLane(hello)) {
    return Refuse(LaneRefusal::kSecret,
                  absl::PermissionDeniedError("the lane_id is not of this secret"), edge_,
                  lane_index_);
  }
  if (!caller_.edge.empty() && caller_.edge != edge_) {
    return Refuse(LaneRefusal::kEdgeName,
                  absl::PermissionDeniedError("the credential is of another edge: --edge-name "
                                              "must be the name that the core has for it"),
                  edge_, lane_index_);
  }
  {
    MutexLock lock(mu_);
    if (closed_) return;
    opened_ = true;
  }
  log::Info(log::Core(), "lane_opened", {{"edge", log::Text(edge_)}, {"lane", lane_index_}});
  RouterInput opened = LaneOpened{self_, hello};
  core_.Enter(opened);
  // If the call has ended meanwhile, the router may have been told so before it knew the lane.
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
    const auto reactor = std::make_shared<LaneReactor>(core_, *context, std::move(caller));
    reactor->Begin(authority_);
    return reactor.get();
  }

 private:
  void CountRefused() {
    RouterInput count = AdminCall{[](Router& router) { router.Count(LaneRefusal::kCredential); }};
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
