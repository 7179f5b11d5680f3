// FleetCalls: operators' calls that this core passes on to others of its fleet, over the mesh's
// bus.
//
//   asked ──KIND_ASK──▶ running ──KIND_PAGE…──▶ ──KIND_END──▶ over
//
// The other core is granted a few frames at a time, so that a slow reader slows only that call.
// Nothing is resent: a lost frame fails the call, or counts as missed by a feed. The other core
// sends signs of life through its router; if it is silent for kPatience, the call fails.
//
// Owner:  Fleet.
// Thread: any; listeners are called without a lock held, by the bus's thread or the one that ticks.
// Bounds: kMaxCalls; kMaxMessageBytes a message; a window of frames a call.
// Errors: UNAVAILABLE: the other core does not answer; DATA_LOSS: a frame was lost; else its own.
#ifndef CAIRN_CORE_FLEET_CALLS_H_
#define CAIRN_CORE_FLEET_CALLS_H_

#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "core/mesh_bus.h"

namespace cairn::core {

// The longest body of a frame; longer messages take several.
inline constexpr size_t kMaxFleetBodyBytes = 256 << 10;

// Must not block. Calls are in order, but OnEnd() may come while OnMessage() runs: then that
// message is the last.
class FleetListener {
 public:
  virtual ~FleetListener() = default;
  // FleetCalls::Took() follows, once the next one may come.
  virtual void OnMessage(uint64_t call, std::string body) = 0;
  // So many messages of a feed were lost.
  virtual void OnMissed(uint64_t) {}
  // The last call; not after Cancel().
  virtual void OnEnd(const absl::Status& status) = 0;
};

class FleetCalls {
 public:
  using Frame = signaling::v1::FleetFrame;
  static constexpr absl::Duration kPatience = absl::Seconds(1);
  static constexpr size_t kMaxCalls = 256;
  static constexpr size_t kMaxMessageBytes = 64 << 20;
  // Frames that may be on their way; of a feed, whose frames are small.
  static constexpr uint64_t kWindow = 8, kFeedWindow = 256;

  // `bus` and `clock` must outlive the object.
  FleetCalls(uint64_t core_id, MeshBus& bus, const Clock& clock)
      : core_id_(core_id), bus_(bus), clock_(clock) {}

  // Returns the number of the call. It may have ended by then.
  uint64_t Ask(uint64_t core, Frame::Method method, std::string request, bool may_operate,
               const std::shared_ptr<FleetListener>& listener);
  void Took(uint64_t call);
  void Cancel(uint64_t call);

  void OnFrame(uint64_t from, Frame& frame);
  // Its process is gone.
  void OnNobody(uint64_t core);
  void Tick();
  // Fails all calls, and those to come.
  void Stop();

 private:
  struct Call {
    uint64_t core = 0;
    std::shared_ptr<FleetListener> listener;
    bool is_feed = false;
    absl::Duration heard;   // steady
    absl::Duration said;    // the last grant
    uint64_t received = 0;  // frames
    uint64_t taken = 0;     // of those, the listener is done with, or they were parts
    uint64_t granted = 0;
    uint64_t waiting = 0;  // messages that the listener has
    std::string body;      // of the message that is being gathered
    uint64_t window() const { return is_feed ? kFeedWindow : kWindow; }
  };
  using Calls = std::map<uint64_t, Call>;
  using Ended = std::vector<std::pair<std::shared_ptr<FleetListener>, absl::Status>>;

  absl::Duration Now() const { return clock_.Elapsed(); }
  void Send(uint64_t core, const Frame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The message that is whole with this frame.
  std::optional<std::string> Take(Call& call, Frame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What may be granted, if that is worth a message.
  void GrantMore(uint64_t number, Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Grant(uint64_t number, Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes the call out of calls_.
  void End(Calls::iterator call, absl::Status status, Ended& ended)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Tell(const Ended& ended);

  const uint64_t core_id_;
  // Borrowed; must outlive this.
  MeshBus& bus_;
  const Clock& clock_;

  Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::BitGen random_ ABSL_GUARDED_BY(mu_);
  Calls calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FLEET_CALLS_H_
