// Relays: the life of a relay: which lanes get it, which must acknowledge it, and when it is
// settled (docs/RELAYS.md).
//
// Owner:  Router.
// Thread: the router's.
// Bounds: a relay costs O(lanes with interest), independent of everything else. Open relays are
//         bounded by the lanes' ledgers (core/relay_ledger.h).
#ifndef CAIRN_CORE_RELAYS_H_
#define CAIRN_CORE_RELAYS_H_

#include <cstdint>
#include <memory>

#include "core/directory.h"
#include "core/lane_output.h"
#include "core/late_lanes.h"
#include "core/live_feed.h"
#include "core/mesh.h"
#include "core/rate.h"
#include "core/recovery.h"
#include "core/relay_ledger.h"
#include "core/router_counters.h"
#include "core/turn.h"
#include "proto/link/relay_item.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class Relays {
 public:
  // A lane is told about settled relays with its next message; by a separate message only after
  // this many relays, or at the next tick: it would wake the edge for this alone.
  static constexpr uint64_t kRelaysPerAck = 256;

  // All must outlive this. `mesh` is null in a core that is alone.
  Relays(Turn& turn, Directory& directory, LaneOutput& output, LiveFeed& feed, Recovery& recovery,
         RouterCounters& counters, const std::unique_ptr<Mesh>& mesh)
      : turn_(turn),
        directory_(directory),
        output_(output),
        feed_(feed),
        recovery_(recovery),
        late_(recovery.late()),
        counters_(counters),
        mesh_(mesh) {}

  // Routes a relay, whose strings may be moved out. `origin` is null for a held relay whose lane
  // has left meanwhile.
  void Route(uint64_t lane_id, LaneRecord* origin, signaling::v1::LaneEvent& event);
  // To a lane that was late: what was routed without it.
  void DeliverKept(LaneRecord& lane, const LateLanes::Kept& kept);
  // The lane has acknowledged the message, and so the deliveries in it.
  void OnAcknowledged(LaneRecord& lane, const signaling::v1::CoreToLane& message);
  // One target of the relay has acknowledged it, or will not get it.
  void Settle(const RelayLedger::Owed& owed);
  double PerSecond() const { return rate_.PerSecond(turn_.steady_us); }

  // ---- for the mesh
  // Appends a delivery for the lane. True if the lane will acknowledge it: Settle(owed) follows
  // then.
  bool DeliverItem(LaneRecord& lane, const link::RelayItem& relay, const RelayLedger::Owed& owed);
  // Adds a target to an unsettled relay of a lane of this core.
  void AddTarget(const RelayLedger::Owed& owed);

 private:
  // Appends a delivery for every lane that the relay goes to; returns the number of subscribers.
  uint64_t Deliver(uint64_t lane_id, signaling::v1::LaneEvent& event, TopicRecord& topic);
  uint64_t DeliverToOne(uint64_t lane_id, signaling::v1::LaneEvent& event,
                        const TopicRecord& topic);
  signaling::v1::Delivery* AddDelivery(LaneRecord& lane, uint64_t origin,
                                       const signaling::v1::LaneEvent& event);
  // 1 if the sender is one of the subscribers in `interest`, otherwise 0.
  uint32_t SenderIn(const Interest& interest, uint64_t lane_id, uint64_t sender,
                    const TopicRecord& topic) const;
  // The peer that a relay with `to` goes to; null when there is none.
  const PeerRecord* AddresseeOf(const signaling::v1::LaneEvent& event,
                                const TopicRecord& topic) const;
  // Null if the lane has left, or has another link.
  LaneRecord* OriginOf(uint64_t lane_id, uint64_t link);
  static void LoadNext(google::protobuf::RepeatedPtrField<signaling::v1::Delivery>& deliveries);
  void Trace(uint64_t lane_id, const LaneRecord* origin, const signaling::v1::LaneEvent& event,
             const TopicRecord* topic, uint64_t subscribers_there, uint32_t cores);

  // Borrowed; must outlive this.
  Turn& turn_;
  Directory& directory_;
  LaneOutput& output_;
  LiveFeed& feed_;
  Recovery& recovery_;
  LateLanes& late_;
  RouterCounters& counters_;
  const std::unique_ptr<Mesh>& mesh_;
  // Router thread only.
  uint64_t origin_link_ = 0;  // of the relay being routed: the link of its lane; 0: none
  uint32_t targets_ = 0;      // lanes that must acknowledge the relay being routed
  Rate rate_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RELAYS_H_
