// CoreLink: a lane's connection to the core. The interface between edge and core, on the edge's
// side.
//
// There are two implementations: direct calls in one process (server/direct_link.h), and a link
// over streams that may break (edge/lane_link.h).
//
// Owner:  its Lane.
// Thread: the lane's loop, unless a method says "any thread".
#ifndef CAIRN_EDGE_CORE_LINK_H_
#define CAIRN_EDGE_CORE_LINK_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "edge/counters.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

// lane.proto's Hello explains each field.
struct LaneIdentity {
  uint64_t lane_id = 0;
  std::string edge;
  uint32_t lane_index = 0;
  std::string version = {};
  int64_t tls_not_after_us = 0;
  std::string secret = {};

  signaling::v1::Hello ToHello() const;
};

// How a session with a core begins. At its start the core knows nothing of the lane's peers.
struct CoreSession {
  enum class Kind : uint8_t {
    kFirst,    // the lane's first session
    kNewCore,  // another core than before: the last one's state is lost
    kGivenUp,  // the same core, but it gave the lane up meanwhile
    kLate,     // another core, which stopped waiting for this lane
  };
  Kind kind = Kind::kFirst;
  // The time since the last session's stream ended.
  absl::Duration outage;
  // What was submitted in the last session and not acknowledged by the core, oldest first.
  std::vector<signaling::v1::LaneToCore> unaccepted;
};

// The part of its lane that a link uses.
class CoreLinkListener {
 public:
  // A session has begun; Submit() may be called from now on.
  virtual void OnSession(CoreSession session) = 0;
  // May move strings out of `message`; the link clears it afterwards.
  virtual void OnCoreMessage(signaling::v1::CoreToLane& message) = 0;
  // The core has handled this message of Submit(). May move its events out.
  virtual void OnAccepted(signaling::v1::LaneToCore& message) = 0;
  // There is more room than before: see Room().
  virtual void OnRoom() = 0;
  // What the lane knows of other lanes.
  virtual void FillInRosters(signaling::v1::Hello& hello) const = 0;

 protected:
  ~CoreLinkListener() = default;
};

class CoreLink {
 public:
  virtual ~CoreLink() = default;
  // Called once, before anything else; calls to the listener may follow.
  virtual void Start() = 0;
  // Takes the contents of `batch` and leaves it cleared, with its memory kept for reuse. REQUIRES:
  // a session has begun.
  virtual void Submit(signaling::v1::LaneToCore& batch) = 0;
  // The same, in a message of its own, so that progress is visible on a slow link.
  virtual void SubmitApart(signaling::v1::LaneToCore& batch) { Submit(batch); }
  // The cost (proto/link/cost.h) that may be submitted now; 0: nothing. A submission may exceed it
  // by the data about one peer.
  virtual size_t Room() const = 0;
  // Called at the end of a turn: what was submitted may be kept until then.
  virtual void Flush() {}
  // From how many events on a batch should be submitted before the turn ends.
  virtual int large_batch() const { return std::numeric_limits<int>::max(); }
  // The cost of what was submitted and is not accepted.
  virtual size_t cost() const = 0;
  // The cost of messages from the core that the listener has not been given.
  virtual size_t unread_cost() { return 0; }
  // Sends due acknowledgements, and a beat before the link is silent for too long. Called ten times
  // a second.
  virtual void Tick() = 0;
  // Whether another session can begin, so that data already sent must be kept.
  virtual bool can_break() const = 0;

  // ---- any thread
  // The core has answered, and the link has not broken since.
  virtual bool connected() const = 0;
  // The id of a core in another process that has answered; 0: none has.
  virtual uint64_t core_id() const { return 0; }
  // A hash of its fleet's name; 0: it has none.
  virtual uint64_t fleet() const { return 0; }
  // The number of events in each message written to the core.
  virtual const BatchHistogram& batches() const = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_LINK_H_
