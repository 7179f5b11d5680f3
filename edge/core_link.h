// CoreLink: a lane's way to the core. The seam between edge and core, seen from the edge.
//
// There are two: direct calls in one process (server/direct_link.h) and a link over streams that
// may break (edge/lane_link.h).
//
// Thread: everything here runs on the lane's loop, but where a method says "any thread".
#ifndef CAIRN_EDGE_CORE_LINK_H_
#define CAIRN_EDGE_CORE_LINK_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "edge/counters.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

// Hello in lane.proto has the meaning of each field.
struct LaneIdentity {
  uint64_t lane_id = 0;
  std::string edge;
  uint32_t lane_index = 0;
  std::string version = {};
  int64_t tls_not_after_us = 0;
  std::string secret = {};

  signaling::v1::Hello ToHello() const;
};

// How a session with a core begins: a core that knows nothing of the lane's peers yet.
struct CoreSession {
  enum class Kind : uint8_t {
    kFirst,    // the lane's first
    kNewCore,  // another core than before: what the last one knew is lost
    kGivenUp,  // the same core, which has given the lane up meanwhile
    kLate,     // another core, which has not waited for this lane
  };
  Kind kind = Kind::kFirst;
  // Since the last session's stream ended.
  absl::Duration outage;
  // What was submitted in the last session and the core has not acknowledged, oldest first.
  std::vector<signaling::v1::LaneToCore> unaccepted;
};

// What a link needs of its lane.
class CoreLinkListener {
 public:
  // A session begins; Submit() may be called from now on.
  virtual void OnSession(CoreSession session) = 0;
  // May move strings out of `message`; the link clears it afterwards.
  virtual void OnCoreMessage(signaling::v1::CoreToLane& message) = 0;
  // The core has handled this message of Submit(). May move its events out.
  virtual void OnAccepted(signaling::v1::LaneToCore& message) = 0;
  // There is more room than before.
  virtual void OnRoom() = 0;
  // The lanes that a restarted core has to wait for.
  virtual const signaling::v1::Roster& roster() const = 0;
  virtual const signaling::v1::RosterStamp& roster_told() const = 0;

 protected:
  ~CoreLinkListener() = default;
};

class CoreLink {
 public:
  virtual ~CoreLink() = default;
  // Once, before anything else; the lane can be told from now on.
  virtual void Start() = 0;
  // Takes everything of `batch` and leaves it cleared, with its memory kept for the next. REQUIRES:
  // a session has begun.
  virtual void Submit(signaling::v1::LaneToCore& batch) = 0;
  // The same, in a message of its own, so that a slow link shows progress.
  virtual void SubmitApart(signaling::v1::LaneToCore& batch) { Submit(batch); }
  // The cost (proto/link/cost.h) that may be submitted now; 0: nothing. What is submitted may
  // exceed it by what the core is told of one peer.
  virtual size_t Room() const = 0;
  // Of what was submitted and is not accepted.
  virtual size_t cost() const = 0;
  // Of what the core has sent and the listener has not been told of.
  virtual size_t unread_cost() { return 0; }
  // Acknowledges by now what was handled, and lets no long silence arise. Called ten times a
  // second.
  virtual void Tick() = 0;
  // Whether another session can begin, so that what was told before has to be kept.
  virtual bool can_break() const = 0;

  // ---- any thread
  // The core has answered, and the link has not broken since.
  virtual bool connected() const = 0;
  // Of a core in another process that has answered; 0: none has.
  virtual uint64_t core_id() const { return 0; }
  // Events in each message that was written to the core.
  virtual const BatchHistogram& batches() const = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_LINK_H_
