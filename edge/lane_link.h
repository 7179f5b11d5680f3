// LaneLink: a lane's link to a core in another process: a Link over one stream at a time, which is
// reopened for as long as the edge lives.
//
//   waiting ──back-off──▶ opening ──Welcome──▶ open ──stream ends──▶ waiting
//                            └──────────stream ends─────────────────────▲
//
// Welcome says whether the link of the last session continues (RESUMED) or a new session begins;
// docs/RELAYS.md "Links" has the rules.
//
// Owner:  one Loop.
// Thread: that loop's, unless a method says "any thread".
// Bounds: Options::window of data that the core has not accepted; Room() is the rest of it.
// Errors: whatever ends a stream is logged (each new reason once per outage), and is followed by a
//         jittered back-off, which restarts once a stream was open for link::kSteadyStream.
#ifndef CAIRN_EDGE_LANE_LINK_H_
#define CAIRN_EDGE_LANE_LINK_H_

#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "edge/backoff.h"
#include "edge/core_link.h"
#include "edge/core_stream.h"
#include "edge/link_factory.h"
#include "proto/link/link.h"

namespace cairn::edge {

class LaneLink final : public CoreLink, private CoreStreamListener {
 public:
  // Relays of the usual size that cost less than link::kGatheredBytes together.
  static constexpr int kLargeBatch = 48;

  struct Options {
    // Cost of what is submitted and not accepted; more waits in the lane, where it can be folded.
    size_t window = 4 << 20;
    // Of a message of the core that comes in parts.
    size_t max_whole_bytes = 80 << 20;
  };

  // `clock` and `listener` must outlive the link.
  LaneLink(std::unique_ptr<CoreStreamOpener> opener, LaneIdentity identity,
           CoreLinkListener& listener, LoopExecutor& executor, Options options, const Clock& clock);
  ~LaneLink() override;

  void Start() override;
  void Submit(signaling::v1::LaneToCore& batch) override;
  void SubmitApart(signaling::v1::LaneToCore& batch) override;
  void Flush() override {
    if (stream_) stream_->Flush();
  }
  int large_batch() const override { return kLargeBatch; }
  size_t Room() const override;
  size_t cost() const override { return link_ ? link_->cost() : 0; }
  void Tick() override;
  bool can_break() const override { return true; }
  bool connected() const override { return connected_.load(std::memory_order_relaxed); }
  uint64_t core_id() const override { return core_seen_.load(std::memory_order_relaxed); }
  uint64_t fleet() const override { return fleet_seen_.load(std::memory_order_relaxed); }
  const BatchHistogram& batches() const override { return batches_; }

 private:
  using WireLink = link::Link<signaling::v1::LaneToCore, signaling::v1::CoreToLane>;

  // ---- CoreStreamListener
  void OnStreamMessage(signaling::v1::CoreToLane& message) override;
  void OnStreamWritable() override { Pump(); }
  void OnStreamEnded(int code, const std::string& message) override;

  void OpenStream();
  void OnWelcome(const signaling::v1::CoreToLane& message);
  // False when the core acknowledges what was never sent.
  bool Resume(uint64_t received);
  void BeginSession(const signaling::v1::Welcome& welcome);
  void Accept(signaling::v1::LaneToCore& message) { listener_.OnAccepted(message); }
  // The next Hello will name no link of this core.
  void GiveUpLink();
  // Ends a stream on which the core broke the protocol.
  void Refuse(const std::string& why);
  // Writes what there is, if the stream takes it.
  void Pump();
  void LogOutage(int code, const std::string& message);

  // Immutable after construction.
  const std::unique_ptr<CoreStreamOpener> opener_;
  const LaneIdentity identity_;
  const Options options_;
  // Borrowed; must outlive this.
  CoreLinkListener& listener_;
  LoopExecutor& executor_;
  const Clock& clock_;
  // Loop thread only.
  Backoff backoff_;
  std::unique_ptr<CoreStream> stream_;  // null: waiting
  bool welcomed_ = false;               // open
  uint64_t core_id_ = 0;                // of the session; 0: there was none yet
  uint64_t link_number_ = 0;            // Welcome.link of the session
  uint64_t sessions_ = 0;               // Hello.session of the last stream
  google::protobuf::RepeatedField<uint64_t> earlier_cores_;  // of the last Welcome
  std::unique_ptr<WireLink> link_;  // of the session; null: there was none yet
  absl::Duration up_since_;         // when the stream was welcomed, if it is
  absl::Duration down_since_;       // since when there is no welcomed stream
  std::string refusal_;
  int silent_ticks_ = 0;  // since something was written
  int beat_ticks_ = 1;    // ticks of silence after which a beat is sent (Welcome.beat_ms)
  std::string last_failure_;
  LogLimiter outages_;

  // Any thread.
  std::atomic<bool> connected_{false};
  std::atomic<uint64_t> core_seen_{0};
  std::atomic<uint64_t> fleet_seen_{0};
  BatchHistogram batches_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LANE_LINK_H_
