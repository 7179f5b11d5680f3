// CoreLink: a lane's way to the core. The seam between edge and core, seen from the edge.
//
// There are two: direct calls in one process (server/direct_link.h) and a gRPC stream
// (edge/grpc_core_link.h). Thread: everything here runs on the lane's loop, but where a method says
// "any thread".
#ifndef CAIRN_EDGE_CORE_LINK_H_
#define CAIRN_EDGE_CORE_LINK_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "edge/counters.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

// Who a lane is, in the words of Hello.
struct LaneIdentity {
  uint64_t lane_id = 0;
  std::string edge;
  uint32_t lane_index = 0;
  std::string version = {};
  int64_t tls_not_after_us = 0;

  signaling::v1::Hello ToHello() const;
};

// What a link needs of its lane.
class CoreLinkListener {
 public:
  // May move strings out of `message`; the link clears it afterwards.
  virtual void OnCoreMessage(signaling::v1::CoreToLane& message) = 0;
  // Appends PEER_OPENED and SUBSCRIBED for every peer that lives on the lane, and fills Hello.seen:
  // called for each stream that opens.
  virtual void AppendSnapshot(signaling::v1::LaneToCore& out) = 0;

 protected:
  ~CoreLinkListener() = default;
};

class CoreLink {
 public:
  virtual ~CoreLink() = default;
  // Takes the events of `batch` and leaves it cleared, with its memory kept for the next. While the
  // core is away, relays wait in a bounded backlog and the rest is left out, since AppendSnapshot()
  // will say it.
  virtual void Submit(signaling::v1::LaneToCore& batch) = 0;
  // Says by now what has been delivered, even if there is nothing else to say, and lets no long
  // silence arise. Called ten times a second.
  virtual void Tick() = 0;
  // The backlog is full: the loop must stop reading clients until this is false again.
  virtual bool congested() const = 0;
  // Whether AppendSnapshot() may be called again: a link that cannot break never needs what has
  // been said before.
  virtual bool can_break() const = 0;

  // ---- any thread
  // The core has answered, and the link has not broken since.
  virtual bool connected() const = 0;
  // Of relays that the core has not acknowledged.
  virtual size_t backlog_bytes() const = 0;
  // Events in each message that was written to the core.
  virtual const BatchHistogram& batches() const = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_LINK_H_
