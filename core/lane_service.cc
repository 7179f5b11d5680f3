#include "core/lane_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"
#include "core/authority.h"
#include "core/core_message.h"
#include "core/sent_messages.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::Lanes;
using signaling::v1::LaneToCore;

// One stream. While one write is in flight, everything that arrives is appended to the next
// message.
class LaneReactor final : public grpc::ServerBidiReactor<LaneToCore, CoreToLane>,
                          public EdgeSink,
                          public std::enable_shared_from_this<LaneReactor> {
 public:
  LaneReactor(Core& core, const CoreLimits& limits) : core_(core), limits_(limits) {}

  // Once, after construction: gRPC holds the reactor until OnDone().
  void Begin() {
    self_ = shared_from_this();
    StartRead(&received_.batch);
  }

  // ---- EdgeSink
  void Send(CoreToLane& message) override;
  bool acknowledges() const override { return true; }
  std::deque<CoreToLane> TakeUnanswered() override;
  void Close(const absl::Status& status) override {
    BeginFinish(
        grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message())));
  }

  // ---- gRPC
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override { BeginFinish(grpc::Status::CANCELLED); }
  void OnDone() override { const std::shared_ptr<LaneReactor> last = std::move(self_); }

 private:
  bool AcceptHello();
  // What has gathered is the message to write now.
  void TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Finishes the call, or leaves it to the write in flight.
  void BeginFinish(const grpc::Status& status);

  // Borrowed; must outlive this.
  Core& core_;
  const CoreLimits& limits_;
  // gRPC's callbacks only, which come one at a time for reads.
  std::shared_ptr<LaneReactor> self_;
  LaneBatch received_;
  bool opened_ = false;
  std::string edge_;
  uint32_t lane_index_ = 0;

  Mutex mu_;
  CoreToLane next_ ABSL_GUARDED_BY(mu_);
  SentMessages sent_ ABSL_GUARDED_BY(mu_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool writing_in_flight_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<grpc::Status> final_status_ ABSL_GUARDED_BY(mu_);
  // Left alone while a write is in flight.
  CoreToLane writing_;
};

size_t PayloadBytes(const CoreToLane& message) {
  size_t bytes = 0;
  for (const auto& delivery : message.deliveries())
    bytes += delivery.topic().size() + delivery.payload().size();
  return bytes;
}

void LaneReactor::Send(CoreToLane& message) {
  const size_t bytes = PayloadBytes(message);
  bool write = false;
  {
    MutexLock lock(mu_);
    AppendCoreMessage(message, next_);
    if (final_status_) return;  // for TakeUnanswered()
    queued_bytes_ += bytes;
    if (writing_in_flight_ && queued_bytes_ <= limits_.max_lane_queued_bytes) return;
    if (!writing_in_flight_) {
      TakeNext();
      write = true;
    }
  }
  if (write) return StartWrite(&writing_);
  BeginFinish(
      grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the lane does not read fast enough"));
}

std::deque<CoreToLane> LaneReactor::TakeUnanswered() {
  MutexLock lock(mu_);
  std::deque<CoreToLane> messages = sent_.Take();
  if (writing_in_flight_) messages.push_back(writing_);
  // Whether it had the rest of these is not known, and saying it twice would be worse.
  for (CoreToLane& message : messages) {
    message.clear_answers();
    message.clear_commands();
    message.clear_notices();
  }
  messages.push_back(std::move(next_));
  next_.Clear();
  return messages;
}

void LaneReactor::TakeNext() {
  writing_in_flight_ = true;
  writing_.Swap(&next_);
  queued_bytes_ = 0;
}

void LaneReactor::OnWriteDone(bool ok) {
  std::optional<grpc::Status> finish;
  bool more = false;
  {
    MutexLock lock(mu_);
    sent_.Keep(writing_);
    if (final_status_) {
      finish = final_status_;
      writing_in_flight_ = false;
    } else {
      writing_in_flight_ = false;
      more = ok && !IsEmpty(next_);
      if (more) TakeNext();
    }
  }
  if (finish) return Finish(*finish);
  if (more) StartWrite(&writing_);
}

void LaneReactor::OnReadDone(bool ok) {
  if (!ok) {
    if (opened_) {
      RouterInput closed = LaneClosed{self_};
      core_.Enter(closed);
      log::Info(log::Core(), "lane_closed", {{"edge", log::Text(edge_)}, {"lane", lane_index_}});
      // Or the reactor would hold itself for ever.
      received_.sink.reset();
    }
    return BeginFinish(grpc::Status::OK);
  }
  if (!opened_ && !AcceptHello()) return;
  if (received_.batch.delivered_seq() != 0) {
    MutexLock lock(mu_);
    sent_.Acknowledged(received_.batch.delivered_seq());
  }
  // Kept over reads so that its memory serves the next batch.
  received_.sink = self_;
  RouterInput input = std::move(received_);
  core_.Enter(input);
  received_ = std::move(std::get<LaneBatch>(input));
  received_.batch.Clear();
  StartRead(&received_.batch);
}

bool LaneReactor::AcceptHello() {
  const auto& hello = received_.batch.hello();
  if (!received_.batch.has_hello() || hello.protocol_version() != Router::kProtocolVersion ||
      hello.lane_id() == 0) {
    BeginFinish(
        grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                     "the first message must have a Hello of protocol version 1 with a lane_id"));
    return false;
  }
  edge_ = hello.edge();
  lane_index_ = hello.lane_index();
  log::Info(log::Core(), "lane_opened", {{"edge", log::Text(edge_)}, {"lane", lane_index_}});
  opened_ = true;
  RouterInput opened = LaneOpened{self_, hello};
  core_.Enter(opened);
  return true;
}

void LaneReactor::BeginFinish(const grpc::Status& status) {
  {
    MutexLock lock(mu_);
    if (final_status_) return;
    final_status_ = status;
    if (writing_in_flight_) return;
  }
  Finish(status);
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
  LaneService(Core& core, const Authority& authority, const CoreLimits& limits)
      : core_(core), authority_(authority), limits_(limits), refusals_(core.clock()) {}

  grpc::ServerBidiReactor<LaneToCore, CoreToLane>* Open(
      grpc::CallbackServerContext* context) override {
    const absl::Status status = authority_.Check(CredentialsOf(*context), Capability::kOpenLane);
    if (!status.ok()) {
      LogRefused(status);
      return new RefusedLane(status);
    }
    const auto reactor = std::make_shared<LaneReactor>(core_, limits_);
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
  const CoreLimits limits_;
  Mutex mu_;
  LogLimiter refusals_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<grpc::Service> NewLaneService(Core& core, const Authority& authority,
                                              const CoreLimits& limits) {
  return std::make_unique<LaneService>(core, authority, limits);
}

}  // namespace cairn::core
