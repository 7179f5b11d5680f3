// FeedReactor: a server stream of events, for a reader who may be slow.
//
// What the reader has not read waits in a bounded queue; above the bound, records are counted
// instead. The next queued record says how many were left out before it; if there is none, a record
// that says only that follows the last one.
//
// Owner:  itself, from Begin() to OnDone(); the code that offers records holds a reference too.
// Thread: Offer() from any thread, without blocking; the rest from gRPC's.
// Bounds: `max_queued` records.
#ifndef CAIRN_CORE_FEED_REACTOR_H_
#define CAIRN_CORE_FEED_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "base/thread_annotations.h"
#include "core/authority.h"

namespace cairn::core {

// REQUIRES: Record is a protobuf message with time_us and missed.
template <typename Record>
class FeedReactor : public grpc::ServerWriteReactor<Record>,
                    public std::enable_shared_from_this<FeedReactor<Record>> {
 public:
  explicit FeedReactor(size_t max_queued) : max_queued_(max_queued) {}

  // Called once, after construction. `leave` is called when the reader has disconnected.
  void Begin(std::function<void()> leave) {
    leave_ = std::move(leave);
    self_ = this->shared_from_this();
    this->StartSendInitialMetadata();
  }

  void Offer(const Record& record) {
    {
      MutexLock lock(mu_);
      if (finishing_) return;
      if (queue_.size() >= max_queued_) {
        ++missed_;
        missed_at_us_ = record.time_us();
        return;
      }
      queue_.push_back(record);
      queue_.back().set_missed(std::exchange(missed_, 0));
      if (!TakeNext()) return;
    }
    this->StartWrite(&writing_);
  }

  // Ends the stream; only the first call counts.
  void End(grpc::Status status) {
    {
      MutexLock lock(mu_);
      if (finishing_) return;
      finishing_ = true;
      status_ = status;
      queue_.clear();
      if (in_flight_) return;
    }
    this->Finish(status);
  }

  void OnWriteDone(bool ok) override {
    bool finish = false;
    {
      MutexLock lock(mu_);
      in_flight_ = false;
      finish = finishing_;
      if (!finish && (!ok || !TakeNext())) return;
    }
    if (finish) return this->Finish(status_);
    this->StartWrite(&writing_);
  }
  // Ends the stream of a reader who may no longer look.
  void Revoke(const grpc::Status& status) {
    leave_();
    End(status);
  }
  // Once, after Begin().
  void SetLease(Authority::Lease lease) { lease_ = std::move(lease); }
  void OnCancel() override { Revoke(grpc::Status::CANCELLED); }
  void OnDone() override {
    lease_ = {};
    const auto last = std::move(self_);
  }

 protected:
  // The record contains only `missed` and the time of the last record that was left out.
  virtual void MarkMissed(Record&) {}

 private:
  // Moves the next record, if there is one, into writing_.
  bool TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (in_flight_ || (queue_.empty() && missed_ == 0)) return false;
    if (queue_.empty()) {
      writing_.Clear();
      writing_.set_missed(std::exchange(missed_, 0));
      writing_.set_time_us(missed_at_us_);
      MarkMissed(writing_);
    } else {
      writing_ = std::move(queue_.front());
      queue_.pop_front();
    }
    in_flight_ = true;
    return true;
  }

  // Immutable after Begin().
  const size_t max_queued_;
  std::function<void()> leave_;
  std::shared_ptr<FeedReactor> self_;
  Authority::Lease lease_;
  // Not changed while a write is in progress.
  Record writing_;
  grpc::Status status_;

  Mutex mu_;
  std::deque<Record> queue_ ABSL_GUARDED_BY(mu_);
  uint64_t missed_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t missed_at_us_ ABSL_GUARDED_BY(mu_) = 0;
  bool in_flight_ ABSL_GUARDED_BY(mu_) = false;
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FEED_REACTOR_H_
