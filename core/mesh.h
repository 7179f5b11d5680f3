// Mesh: the state that a core keeps about the other cores of its fleet: their list, the
// subscriptions of their peers, the core that each lane is connected to, and relays that they have
// not settled.
//
// A core believes a lane to be at one place until the lane has sent its snapshot to another core.
// Until then relays for the lane go to that place; those that are not settled there by then go to
// the new place, ahead of anything newer. The core that the sender's lane is connected to is
// responsible for a relay. docs/MESH.md has the rules, and what is not proven yet.
//
// Owner:  Router.
// Thread: the router's. Time is handed in, steady.
// Bounds: about 60 bytes per subscription in the fleet (core/mesh_interest.h); a place per lane; a
//         MeshMember per core; kMaxRemembered lanes that have left; core/past_cores.h.
// Errors: a core that breaks the protocol is given up, and joins again as a new one.
#ifndef CAIRN_CORE_MESH_H_
#define CAIRN_CORE_MESH_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/directory.h"
#include "core/limits.h"
#include "core/mesh_barriers.h"
#include "core/mesh_bus.h"
#include "core/mesh_counters.h"
#include "core/mesh_host.h"
#include "core/mesh_interest.h"
#include "core/mesh_member.h"
#include "core/mesh_whereabouts.h"
#include "core/past_cores.h"
#include "core/record_store.h"
#include "core/relay_ledger.h"
#include "proto/link/relay_item.h"
#include "signaling/v1/lane.pb.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

class Mesh {
 public:
  static constexpr uint32_t kProtocolVersion = 1;

  // What `host` names, and `bus`, must outlive the mesh.
  Mesh(uint64_t core_id, std::string name, std::string version, const CoreLimits& limits,
       const MeshHost& host, MeshBus& bus, absl::Duration now);
  ~Mesh();

  // ---- the bus
  // Gives the message back to the bus.
  void OnMessage(signaling::v1::MeshMessage& message, absl::Duration now);
  // The bus has no subscriber at that core's address: its process has ended, or has lost the bus.
  void OnNobody(uint64_t core_id);
  void Tick(absl::Duration now);
  // Sends the gathered items, as far as the bus accepts them.
  void Pump(absl::Duration now);

  // ---- lanes of this core
  // Whether lanes may connect: the bus is connected, and the snapshots of the others are complete.
  bool ready() const { return ready_; }
  // Whether another core takes lanes, as far as this one knows.
  bool OthersTakeLanes() const;
  // The others are to know at once what beats say: whether this core drains.
  void BeatNow() { beat_now_ = true; }
  // Whether the lane, which names `core_id` as its last core, is unknown here and so is that core.
  bool IsForeign(uint64_t lane_id, uint64_t core_id) const;
  // Whether the lane has connected to another core since it sent this Hello.
  bool IsStale(uint64_t lane_id, uint64_t session) const;
  // Whether the lane is sending its snapshot to another core, or has finished sending it.
  bool IsElsewhere(uint64_t lane_id) const;
  bool HasFinishedElsewhere(uint64_t lane_id) const;
  // A lane that was connected to another core lists the lanes that it knew of there. This core may
  // not know some of them.
  void OnRoster(const signaling::v1::Hello& hello);
  // A lane has reconnected and continues its link.
  void OnLaneResumed(const LaneRecord& lane, uint64_t session);
  // A lane has begun a link, and sends its snapshot. True if relays are kept for it elsewhere:
  // until OnLaneReady() none may be delivered to it.
  bool OnLaneHere(const LaneRecord& lane, uint64_t session);
  // Whether relays are still kept for the lane, which is here: it is not ready yet.
  bool KeepsFor(uint64_t lane_id) const;
  // The lane has sent its snapshot: it gets the relays that were kept for it.
  void OnLaneReady(LaneRecord& lane);
  // A lane that was late when it became ready has caught up: it gets the relays that other cores
  // have sent meanwhile.
  void OnLaneCaughtUp(LaneRecord& lane);
  void OnLaneGone(uint64_t lane_id, bool given_up);
  // A lane that was connected to another core meanwhile begins its link again.
  void OnLaneReturns(LaneRecord& lane, uint64_t session);
  void AddElsewhere(signaling::v1::Roster& roster) const;

  // ---- its peers
  // `added`: the subscription is new to this core. `wants_answer`: the client waits for
  // Presence::AnswerSubscribed().
  void OnSubscribed(PeerRecord& peer, const std::string& topic, bool added, bool is_new,
                    bool wants_answer);
  void OnUnsubscribed(const PeerRecord& peer, std::string_view topic);

  // ---- its records: every core has all of them
  void OnPublished(uint64_t lane_id, const std::string& topic, const signaling::v1::Record& record,
                   RecordStore::Said said);

  // ---- its relays
  struct Reach {
    uint64_t subscribers = 0;
    uint32_t targets = 0;  // cores that will settle it
  };
  Reach Route(uint64_t origin_lane, uint64_t origin_link, const signaling::v1::LaneEvent& event);
  // True if the relay came from another core, which is then told.
  bool Settle(const RelayLedger::Owed& owed);

  // ---- for inspection
  const std::map<uint64_t, std::unique_ptr<MeshMember>>& members() const { return members_; }
  const PastCores& past() const { return past_; }
  const MeshCounters& counters() const { return counters_; }
  const MeshInterest& interest() const { return interest_; }
  bool Knows(uint64_t peer, std::string_view topic);
  // Whether this core has given the lane up while it was elsewhere.
  bool HasLost(uint64_t lane_id) const { return lost_.contains(lane_id); }
  // Whether this core believes the lane to be at a place, or is being told its place.
  bool KnowsLane(uint64_t lane_id) const;
  // The stamp of the peer's subscription if relays of this core to the topic reach it, otherwise 0.
  uint64_t Routes(uint64_t peer, const std::string& topic);
  std::string DebugString() const;
  // No relay or item is unsettled, and no core or lane is waited for.
  bool Idle() const;

 private:
  static constexpr uint32_t kNowhere = MeshWhereabouts::kNowhere;
  static constexpr size_t kMaxRemembered = 16'384;
  static constexpr uint64_t kMeshLinkBit = uint64_t{1} << 63;

  using Place = MeshPlace;
  using Whereabouts = MeshWhereabouts;
  using Moving = MeshMove;

  // ---- members (mesh.cc, mesh_members.cc)
  void Receive(signaling::v1::MeshMessage& message, absl::Duration now);
  MeshMember* Member(uint64_t id);
  MeshMember& Join(uint64_t id, absl::Duration now);
  void TellSnapshot(MeshMember& member);
  void TellRecords(MeshMember& member);
  bool IsFull(const MeshMember& member) const;
  void GiveUp(MeshMember& member, MeshEnd reason);
  void SettleAll(MeshMember& member);
  void Beat();
  void SendOf(MeshMember& member);
  void UpdateReady(absl::Duration now);
  // May give the member up.
  void HandleAll(MeshMember& member, const signaling::v1::MeshMessage& message);
  void Handle(MeshMember& member, const signaling::v1::MeshItem& item);
  signaling::v1::MeshItem& Add(MeshMember& member, signaling::v1::MeshItem::Kind kind);
  template <typename Fill>
  void Broadcast(signaling::v1::MeshItem::Kind kind, Fill fill) {
    for (const auto& [id, member] : members_) {
      if (member->link) fill(Add(*member, kind));
    }
  }
  // Stops waiting for that core; if it is 0, for all that are silent.
  void EndBarriers(uint64_t core);
  void TellSettled(MeshMember& member);

  // ---- lanes (mesh_lanes.cc, mesh_elsewhere.cc, mesh_places.cc)
  void OnHere(MeshMember& from, const signaling::v1::MeshItem& item);
  void OnReady(MeshMember& from, const signaling::v1::MeshItem& item);
  void OnGone(MeshMember& from, const signaling::v1::MeshItem& item);
  void OnFound(MeshMember& from, const signaling::v1::MeshItem& item);
  // Whether relays for the lane go to the core that it is at.
  bool HasFound(uint64_t lane_id, const Whereabouts& lane) const;
  // Sends the member the state of the lane, which is connected to this core.
  void TellLane(MeshMember& member, const LaneRecord& lane);
  void TellFound(MeshMember& member, uint64_t lane, uint64_t session, bool missed);
  void TellAllFound(uint64_t lane, uint64_t session, bool missed);
  void TellAway(MeshMember& member, uint64_t lane, uint64_t session, uint64_t core);
  void OnAway(MeshMember& from, const signaling::v1::MeshItem& item);
  // This core does not know the lane's subscriptions: every relay is kept for it until it is found.
  void Stray(uint64_t lane, Whereabouts& state);
  // Gives up lanes that were not found in time, or for which too much is kept.
  void GiveUpStrays();
  // Gives up lanes that were said to be at that core, but are not in its complete snapshot.
  void GiveUpAwayAt(uint64_t core);
  void GiveUpLane(uint64_t id);
  // Gives up the lanes that have left that place, and are not at another yet.
  void GiveUpMovingFrom(const MeshMember& place);
  // A lane of this core has connected to another: keeps the relays that it has not acknowledged
  // until its snapshot is complete there.
  void GiveAway(LaneRecord& lane, uint64_t session);
  // Relays from other cores that had to wait for the lane.
  std::vector<MeshRelay> TakeDeferred(uint64_t lane);
  void DeliverAll(LaneRecord& lane, std::vector<MeshRelay>& relays);
  void BeginMoving(uint64_t lane, uint64_t session);
  void BeginMovingFor(MeshMember& member);
  // Ends the move once no core is waited for.
  void EndMoving(uint64_t lane);
  // Settles a relay from another core for the lane, but not before that core has found the lane.
  void SettleOnceFound(uint64_t lane, const RelayLedger::Owed& owed);
  void EndPlace(uint32_t& place, bool lost);
  uint32_t NewPlace(uint64_t lane, MeshMember& at, bool live);
  // The relays that the lane's believed place has not settled and the lane must get, in order.
  std::vector<MeshRelay> Residue(uint64_t lane, uint32_t believed, uint32_t place);
  // `late`: what this core kept for the lane was given up.
  void Believe(MeshMember& from, uint64_t lane, Whereabouts& state, bool late);
  void Lose(uint64_t lane);
  void RememberGone(uint64_t lane);
  void SettleMoving(uint64_t lane);
  // Into the order in which a lane must get them.
  static void Sort(std::vector<MeshRelay>& relays);
  void FinishDeparted();
  void SweepPlaces();

  // ---- relays, records and interest (mesh_relays.cc, mesh_records.cc, mesh_interest.cc)
  void OnSubscribedThere(MeshMember& from, const signaling::v1::MeshItem& item);
  void OnUnsubscribedThere(MeshMember& from, const signaling::v1::MeshItem& item);
  void OnPublishedThere(MeshMember& from, const signaling::v1::MeshItem& item);
  void OnRelay(MeshMember& from, const link::RelayItem& item);
  // Leaves a relay from another core unsettled until that core has sent LANE_FOUND for each lane
  // that it may be for. Returns the number of those lanes.
  uint32_t HoldBack(MeshMember& from, const link::RelayItem& item, bool reached_target);
  void Defer(uint64_t lane, const RelayLedger::Owed& owed, const link::RelayItem& relay);
  void OnSettled(MeshMember& from, const signaling::v1::MeshItem& item);
  // Sets the relay's tag and target.
  void Send(MeshMember& to, const RelayLedger::Owed& owed, const TopicHash& topic,
            link::RelayItem relay, uint64_t target);
  void SendAll(MeshMember& to, const std::vector<MeshRelay>& relays, uint64_t target);
  // The member that keeps or gets relays for the entry, or null. Sets `only` if it must do so for
  // the entry's lane alone.
  MeshMember* MemberFor(const MeshInterest::Entry& entry, bool& only);
  // Whether the lane has a subscriber of the topic, wherever this core believes it to be.
  bool Interested(const TopicHash& topic, uint64_t lane);
  uint64_t LaneOf(const MeshInterest::Entry& entry) const;
  // Whether the entry is the one that counts: a peer has several while its lane moves.
  bool Counts(const MeshInterest::Entry& entry) const;
  void OnCounted(const MeshMember& from, uint64_t barrier);
  bool HasCounting(const TopicHash& topic, uint64_t peer, uint64_t* stamp);
  uint64_t NewStamp() { return ++clock_; }
  void Answer(const MeshBarrier& barrier);

  const uint64_t core_id_;
  const std::string name_;
  const std::string version_;
  const CoreLimits& limits_;
  // Borrowed; must outlive this.
  const MeshHost host_;
  MeshBus& bus_;
  absl::Duration reached_;  // when the bus first accepted a message; infinite: not yet
  absl::Duration now_;
  absl::Duration next_beat_;
  absl::Duration last_tick_;
  bool beat_now_ = true;
  bool ready_ = false;
  bool served_ = false;  // this core has had a lane
  uint64_t last_link_ = 0;
  std::map<uint64_t, std::unique_ptr<MeshMember>> members_;
  // Members without a link, which keep relays for lanes that have left them.
  std::vector<std::unique_ptr<MeshMember>> departed_;
  // One of departed_: keeps every relay for lanes that are not found yet.
  MeshMember* strays_ = nullptr;
  // Lanes that another core has told to be at a core which has not confirmed it, and since when.
  absl::flat_hash_map<uint64_t, absl::Duration> away_;
  PastCores past_;
  absl::flat_hash_map<uint64_t, Whereabouts> lanes_;
  std::vector<std::unique_ptr<Place>> places_;  // kHere has none
  std::vector<uint32_t> over_;                  // places to be swept
  std::vector<uint32_t> free_places_;
  absl::flat_hash_map<uint64_t, Moving> moving_;
  absl::flat_hash_set<uint64_t> lost_;
  std::deque<uint64_t> gone_order_;  // lanes in lost_, and lanes that have left
  MeshInterest interest_;
  uint64_t clock_ = 0;  // Lamport's
  MeshBarriers barriers_;
  MeshCounters counters_;
  signaling::v1::MeshItem item_;        // reused by Handle()
  std::vector<LaneRecord*> receivers_;  // reused by OnRelay()
  // Of the last relay.
  std::string routed_topic_;
  TopicHash routed_hash_ = HashTopic({});
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_H_
