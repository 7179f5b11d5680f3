// LaneIntake: what the core does with the messages of one stream of a lane, whatever carries them:
// its Hello opens the lane, each further message is a batch, and its end is told once.
//
// Owner:  a LaneStream. The stream is passed in because the router keeps it.
// Thread: OnMessage() and Reuse(): one call at a time. The others: any.
// Bounds: CoreLimits; one message that the router has not handled.
// Errors: OnMessage()'s status is what the call must end with.
#ifndef CAIRN_CORE_LANE_INTAKE_H_
#define CAIRN_CORE_LANE_INTAKE_H_

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/thread_annotations.h"
#include "core/core.h"
#include "core/lane_refusal.h"

namespace cairn::core {

class LaneIntake {
 public:
  // `only_edge`: the name that the caller's credential is bound to; empty: none.
  LaneIntake(Core& core, std::string only_edge) : core_(core), only_edge_(std::move(only_edge)) {}

  // What ends a call before its Hello while core.TakesLanes() is false.
  static absl::Status TakesNone() {
    return absl::UnavailableError("the core takes no lanes now: it drains, or joins its fleet");
  }
  // OK: the stream's OnHandled() follows, at once or later, unless it has ended. Otherwise the
  // refusal has been counted, and the router has not been given the message.
  absl::Status OnMessage(std::string_view bytes, const std::shared_ptr<LaneStream>& stream);
  // What OnHandled() brings back: memory for the next message.
  void Reuse(signaling::v1::LaneToCore&& batch) { message_ = std::move(batch); }
  // Gives it back: it can be megabytes. Not between OnMessage() and Reuse().
  void ReleaseMemory() { message_ = signaling::v1::LaneToCore(); }
  // Whether it has had its Hello.
  bool opened() {
    MutexLock lock(mu_);
    return opened_;
  }

  // The stream has ended: tells the router, once, if it knows the lane.
  void OnClosed(const std::shared_ptr<LaneStream>& stream);
  // The call ends for this reason: counts it.
  void Refuse(LaneRefusal reason) { static_cast<void>(Refused(reason, {})); }

 private:
  bool Parse(std::string_view bytes);
  absl::Status Open(const std::shared_ptr<LaneStream>& stream);
  absl::Status Refused(LaneRefusal reason, absl::Status status);

  // Borrowed; must outlive this.
  Core& core_;
  // Immutable after construction.
  const std::string only_edge_;
  // Of OnMessage().
  signaling::v1::LaneToCore message_;

  Mutex mu_;
  // Set before opened_.
  std::string edge_ ABSL_GUARDED_BY(mu_);
  uint32_t lane_index_ ABSL_GUARDED_BY(mu_) = 0;
  bool opened_ ABSL_GUARDED_BY(mu_) = false;  // the router knows the stream, or soon will
  bool closed_ ABSL_GUARDED_BY(mu_) = false;  // the call has ended
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_INTAKE_H_
