// GrpcCoreLink: a lane's link to a core in another process: one bidirectional gRPC stream, opened
// again for as long as the edge lives.
//
// Thread: CoreLink's methods on the loop. gRPC's callbacks copy and post; what they share is
//         guarded by mu_.
// Bounds: Options::max_backlog_bytes of unacknowledged relays (then congested()), kMaxInboxBytes
//         of deliveries that the loop has not taken (then the stream is not read).
// Errors: whatever ends the stream is logged, once per outage and a few times a minute at most,
//         and followed by a jittered back-off.
#ifndef CAIRN_EDGE_GRPC_CORE_LINK_H_
#define CAIRN_EDGE_GRPC_CORE_LINK_H_

#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"
#include "edge/backoff.h"
#include "edge/core_link.h"
#include "edge/link_factory.h"
#include "edge/outbox.h"

namespace grpc {
class Channel;
}

namespace cairn::edge {

class GrpcCoreLink final : public CoreLink {
 public:
  struct Options {
    size_t max_backlog_bytes = 16 << 20;
    absl::Duration first_backoff = absl::Milliseconds(50);
    absl::Duration max_backoff = absl::Seconds(2);
    // How long the destructor waits for relays that are still to be written.
    absl::Duration flush_timeout = absl::Milliseconds(500);
  };

  static constexpr size_t kMaxInboxBytes = 8 << 20;

  // Starts connecting at once. `token`: presented on every call; empty: none. `clock` must outlive
  // the link.
  GrpcCoreLink(std::shared_ptr<grpc::Channel> channel, std::string token, LaneIdentity identity,
               CoreLinkListener& listener, LoopExecutor& executor, Options options,
               const Clock& clock);
  // Writes what is left, within bounds, and waits for gRPC to let go.
  ~GrpcCoreLink() override;

  void Submit(signaling::v1::LaneToCore& batch) override;
  void Tick() override;
  bool congested() const override { return congested_.load(std::memory_order_relaxed); }
  bool can_break() const override { return true; }
  bool connected() const override { return connected_.load(std::memory_order_relaxed); }
  size_t backlog_bytes() const override;
  const BatchHistogram& batches() const override { return batches_; }

 private:
  class LaneStream;

  // ---- loop thread
  void OpenStream();
  // Hands what has come to the listener.
  void TakeInbox();
  void OnStreamEnded(int code, const std::string& message);
  bool Flushed();
  bool Finished();

  // ---- any thread
  // Writes the next message if there is one and none is in flight.
  void Pump();

  // Whether the backlog has just stopped being full.
  bool Relieved() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has the loop take what came, and look whether it may read again.
  void PostTake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // ---- gRPC's threads
  void OnWritten();
  // Whether the next message may be read at once.
  bool OnReceived(signaling::v1::CoreToLane& message);
  void OnBroken();
  void OnDone(int code, const std::string& message);

  // Immutable after construction.
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string token_;
  const LaneIdentity identity_;
  const Options options_;
  // Borrowed; must outlive this.
  CoreLinkListener& listener_;
  LoopExecutor& executor_;
  // Loop thread only.
  Backoff backoff_;
  bool outage_said_ = false;
  LogLimiter outages_;
  std::vector<signaling::v1::CoreToLane> taken_;

  std::atomic<bool> congested_{false};
  std::atomic<bool> connected_{false};
  BatchHistogram batches_;  // written under mu_
  mutable Mutex mu_;
  // Guarded by mu_.
  Outbox outbox_ ABSL_GUARDED_BY(mu_);
  // Lives from OpenStream() until the loop has seen its OnDone().
  std::unique_ptr<LaneStream> stream_ ABSL_GUARDED_BY(mu_);
  bool usable_ ABSL_GUARDED_BY(mu_) = false;   // stream_ may be written to and read from
  bool held_ ABSL_GUARDED_BY(mu_) = false;     // gRPC still knows stream_
  bool closing_ ABSL_GUARDED_BY(mu_) = false;  // the destructor runs
  std::vector<signaling::v1::CoreToLane> inbox_ ABSL_GUARDED_BY(mu_);
  size_t inbox_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool read_paused_ ABSL_GUARDED_BY(mu_) = false;
  bool take_posted_ ABSL_GUARDED_BY(mu_) = false;
  int silent_ticks_ ABSL_GUARDED_BY(mu_) = 0;  // since something was written
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_GRPC_CORE_LINK_H_
