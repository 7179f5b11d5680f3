// FleetReactor: a server stream of what another core of the fleet answers. AskOne: the same for a
// call with one answer.
//
// Owner:  itself, from Begin() to OnDone(); the call to the other core holds a reference too.
// Thread: gRPC's, and the bus's.
// Bounds: the window of the call (core/fleet_calls.h).
#ifndef CAIRN_CORE_FLEET_REACTOR_H_
#define CAIRN_CORE_FLEET_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/thread_annotations.h"
#include "core/authority.h"
#include "core/fleet_calls.h"

namespace cairn::core {

// REQUIRES: Response is a protobuf message; a feed's has `missed`.
template <typename Response>
class FleetReactor final : public grpc::ServerWriteReactor<Response>,
                           public FleetListener,
                           public std::enable_shared_from_this<FleetReactor<Response>> {
 public:
  explicit FleetReactor(FleetCalls& calls) : calls_(calls) {}

  // Called once, after construction.
  void Begin(uint64_t core, FleetCalls::Frame::Method method, std::string request,
             bool may_operate) {
    self_ = this->shared_from_this();
    // The reader of a feed that has nothing to say yet learns that it was admitted.
    this->StartSendInitialMetadata();
    const uint64_t call = calls_.Ask(core, method, std::move(request), may_operate, self_);
    {
      MutexLock lock(mu_);
      call_ = call;
      if (!ended_) return;
    }
    calls_.Cancel(call);
  }
  // Once, after Begin().
  void SetLease(Authority::Lease lease) { lease_ = std::move(lease); }
  // Ends the stream of a reader who may no longer look.
  void Revoke(const grpc::Status& status) { GiveUp(status); }

  // ---- the other core

  void OnMessage(uint64_t call, std::string body) override {
    Response message;
    if (!message.ParseFromString(body))
      return GiveUp({grpc::StatusCode::DATA_LOSS, "an answer cannot be read"});
    {
      MutexLock lock(mu_);
      call_ = call;
      if (ended_) return;
      if constexpr (kIsFeed) message.set_missed(message.missed() + std::exchange(missed_, 0));
      queue_.push_back(std::move(message));
    }
    Pump();
  }
  void OnMissed(uint64_t count) override {
    MutexLock lock(mu_);
    missed_ += count;
  }
  void OnEnd(const absl::Status& status) override {
    {
      MutexLock lock(mu_);
      if (std::exchange(ended_, true)) return;
      status_ = {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
    }
    Pump();
  }

  // ---- gRPC

  void OnWriteDone(bool ok) override {
    uint64_t call = 0;
    {
      MutexLock lock(mu_);
      in_flight_ = false;
      call = call_;
    }
    calls_.Took(call);
    if (!ok) return GiveUp(grpc::Status::CANCELLED);
    Pump();
  }
  void OnCancel() override { GiveUp(grpc::Status::CANCELLED); }
  void OnDone() override {
    lease_ = {};
    const auto last = std::move(self_);
  }

 private:
  static constexpr bool kIsFeed =
      requires(Response& message) { message.set_missed(uint64_t{1}); };

  // What waits is not written, and no more wanted.
  void GiveUp(grpc::Status status) {
    uint64_t call = 0;
    {
      MutexLock lock(mu_);
      queue_.clear();
      call = call_;
      if (!std::exchange(ended_, true)) status_ = std::move(status);
    }
    calls_.Cancel(call);
    Pump();
  }

  // Writes the next message, or finishes after the last one.
  void Pump() {
    std::optional<grpc::Status> finish;
    {
      MutexLock lock(mu_);
      if (in_flight_ || finished_) return;
      if (!queue_.empty()) {
        in_flight_ = true;
        writing_ = std::move(queue_.front());
        queue_.pop_front();
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

  FleetCalls& calls_;  // Borrowed; must outlive this.

  // Immutable after Begin().
  std::shared_ptr<FleetReactor> self_;
  Authority::Lease lease_;
  // Not changed while a write is in progress.
  Response writing_;

  Mutex mu_;
  uint64_t call_ ABSL_GUARDED_BY(mu_) = 0;  // 0: not known yet
  std::deque<Response> queue_ ABSL_GUARDED_BY(mu_);
  uint64_t missed_ ABSL_GUARDED_BY(mu_) = 0;
  bool in_flight_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;     // nothing more comes
  bool finished_ ABSL_GUARDED_BY(mu_) = false;  // Finish() was called
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
};

// The one message of an answer.
template <typename Response>
class OneListener final : public FleetListener {
 public:
  OneListener(Response& response, std::function<void(const absl::Status&)> done)
      : response_(response), done_(std::move(done)) {}
  void OnMessage(uint64_t, std::string body) override {
    MutexLock lock(mu_);
    if (!over_) is_read_ = response_.ParseFromString(body);
  }
  void OnEnd(const absl::Status& status) override {
    bool is_read = false;
    {
      MutexLock lock(mu_);
      over_ = true;
      is_read = is_read_;
    }
    done_(status.ok() && !is_read ? absl::DataLossError("an answer cannot be read") : status);
  }

 private:
  Response& response_;  // Borrowed, until done_ is called.
  const std::function<void(const absl::Status&)> done_;

  Mutex mu_;
  bool is_read_ ABSL_GUARDED_BY(mu_) = false;
  bool over_ ABSL_GUARDED_BY(mu_) = false;
};

// `response` must live until `done` is called, once.
template <typename Response>
void AskOne(FleetCalls& calls, uint64_t core, FleetCalls::Frame::Method method,
            std::string request, bool may_operate, Response& response,
            std::function<void(const absl::Status&)> done) {
  calls.Ask(core, method, std::move(request), may_operate,
            std::make_shared<OneListener<Response>>(response, std::move(done)));
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_FLEET_REACTOR_H_
