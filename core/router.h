// Router: the peers, their subscriptions, and the lanes that each relay goes to.
//
// A state machine with a single writer and without a clock, thread or randomness of its own: the
// same inputs at the same times give the same outputs. docs/RELAYS.md has the rules of links and
// relays.
//
// Owner:  Core.
// Thread: the one that holds the combiner in front of it.
// Bounds: CoreLimits, and those of Directory and LiveFeed. A relay costs O(lanes with interest), a
//         peer that leaves O(its topics), independent of everything else.
// Errors: an invalid event of a lane (of a peer that it never opened) is ignored and counted. A
//         lane that cannot be served any longer is given up, for one LaneEnd.
#ifndef CAIRN_CORE_ROUTER_H_
#define CAIRN_CORE_ROUTER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "core/directory.h"
#include "core/edge_sink.h"
#include "core/lane_end.h"
#include "core/lane_output.h"
#include "core/lane_refusal.h"
#include "core/late_lanes.h"
#include "core/limits.h"
#include "core/live_feed.h"
#include "core/mesh.h"
#include "core/mesh_bus.h"
#include "core/mesh_host.h"
#include "core/passed_over.h"
#include "core/query_answers.h"
#include "core/rate.h"
#include "core/record_store.h"
#include "core/return_hold.h"
#include "core/router_counters.h"
#include "core/router_input.h"
#include "core/tombstones.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// A MeshHost for its mesh alone.
class Router final : private MeshHost {
 public:
  static constexpr int64_t kTickUs = 100'000;
  // A longer time between two ticks means that the process or its machine was stopped.
  static constexpr absl::Duration kLongestTick = absl::Seconds(1);
  // A lane is told about settled relays with its next message; by a separate message only after
  // this many relays, or at the next tick: it would wake the edge for this alone.
  static constexpr uint64_t kRelaysPerAck = 256;
  // A lane is told the cost of its peer's relays when that has reached this many deliveries.
  static constexpr uint64_t kFanOutPerNotice = 1000;
  static constexpr size_t kBytesPerDelivery = 4096;

  // `core_id` is random and not 0. `clock` must outlive the router.
  Router(uint64_t core_id, const CoreLimits& limits, const Clock& clock);
  ~Router();  // in router.cc: every test of the router would compile it

  // Before any input: this core is one of a fleet, whose name its lanes are told. `bus` must
  // outlive the router.
  void JoinMesh(MeshBus& bus, std::string name, std::string version, std::string fleet = "");

  void Handle(RouterInput& input);
  // To be called after each Handle(): whether a Continue must follow, behind all waiting inputs.
  // True once until it has come.
  bool WantsTurn() { return unfinished_ && !std::exchange(turn_wanted_, true); }

  // ---- called inside an AdminCall
  // The lane is told once the AdminCall returns.
  void Disconnect(const PeerRecord& peer, uint32_t code, std::string_view reason);
  void Drain(LaneRecord& lane);
  // While it drains, the core takes no lanes, and those that it has must go to other cores. Lanes
  // of this process stay. Returns how many had to go.
  uint32_t SetDraining(bool draining);
  bool draining() const { return draining_; }
  void SetLogDirectives(LaneRecord& lane, std::string_view directives);
  LiveFeed& feed() { return feed_; }
  // Counts input of an edge that the core has refused, and logs it, rate-limited.
  void Refuse(LaneRefusal reason, std::string_view edge, uint32_t lane_index);
  void Count(LaneRefusal reason) { ++counters_.refusals[static_cast<size_t>(reason)]; }

  const Directory& directory() const { return directory_; }
  Directory& directory() override { return directory_; }
  // Null without a mesh.
  Mesh* mesh() const { return mesh_.get(); }
  const RouterCounters& counters() const { return counters_; }
  const RecordStore& records() const override { return records_; }
  const ReturnHold& hold() const { return hold_; }
  const LateLanes& late() const { return late_; }
  size_t held_queries() const { return answers_.held(); }
  uint64_t core_id() const { return core_id_; }
  int64_t started_us() const { return started_us_; }
  // The lane of the current input.
  int64_t now_us() const { return now_us_; }
  // On the steady clock, by which rates and ages are measured.
  int64_t steady_us() const override { return steady_us_; }
  double relays_per_second() const { return rate_.PerSecond(steady_us()); }

 private:
  void On(DirectOpened& opened);
  void On(LaneOpened& opened);
  void On(LaneBatch& input);
  void On(LaneWritable& writable);
  void On(LaneClosed& closed);
  void On(CoreStopping& stopping);
  void On(AdminCall& call);
  void On(Tick& tick);
  void On(MeshArrived& arrived);
  void On(MeshWritable& writable);
  void On(MeshNobody& nobody);
  void On(Continue& go_on);

  // ---- rules for lanes (router_rules.cc)
  // Whether the peer is or was the lane's.
  bool SpeaksFor(const LaneRecord& lane, uint64_t peer_id, uint64_t proof) const;
  std::optional<LaneRefusal> WhyRefusedNow(const LaneRecord& lane,
                                           const signaling::v1::LaneEvent& event) const;
  // Whether the numbers of the lane's new relays have no gap. Records the event's.
  static bool FollowsLast(LaneRecord& lane, const signaling::v1::LaneEvent& event);
  bool HasRoomForLane(const signaling::v1::Hello& hello) const;
  // CoreLimits::max_queued_bytes_of_lanes.
  void LimitQueues();

  // As OnEvent(), for a lane with a link. False: the lane was given up.
  bool OnEventOfLink(LaneRecord& lane, signaling::v1::LaneEvent& event);
  // ---- turns (router_turns.cc)
  enum class BatchState : uint8_t { kDone, kHasMore, kLaneGone };
  // Handles the events of the batch from `next` on, as far as the turn allows, or until one of them
  // gets the lane given up.
  BatchState HandleEvents(LaneRecord& lane, signaling::v1::LaneToCore& batch, int& next);
  // Handles the rest of batches, round-robin by lane.
  void GoOn();
  // Handles all batches of the lane; of one with a link only if nothing older waits. False: the
  // lane was given up.
  bool FinishBatches(LaneRecord& lane);
  // Whether relays wait that are older than every event that has not been handled.
  bool has_older() const { return hold_.releasing() || !catching_up_.empty(); }
  // Routes them, as far as the turn allows.
  void RouteOlder();
  bool settles_kept() const { return !late_.keeping() && !late_.kept().empty(); }
  // Settles what no late lane waits for, as far as the turn allows.
  void SettleKept();
  void GiveBackWithheld();
  void EndBatch(LaneRecord& lane);
  void OnEvent(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void OnPeerEvent(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void OpenPeer(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void ClosePeer(PeerRecord& peer, uint32_t code, std::string_view reason);
  // `origin` is null for a held relay whose lane has left meanwhile.
  void Relay(uint64_t lane_id, LaneRecord* origin, signaling::v1::LaneEvent& event);
  // Tells the origin what is settled, if it is much.
  void TellSettled(LaneRecord& origin);
  void Settle(const RelayLedger::Owed& owed) override;
  // The lane has acknowledged the message, and so the deliveries in it.
  void SettleAnswered(LaneRecord& lane, const signaling::v1::CoreToLane& message);
  // Null if the lane has left, or has another link.
  LaneRecord* OriginOf(uint64_t lane_id, uint64_t link);
  bool IsHeld(const LaneRecord& lane) const;
  // The lane has sent its snapshot: delivers what was routed without it, as far as the turn allows.
  void CatchUp(LaneRecord& lane);
  void DeliverKept(LaneRecord& lane, const LateLanes::Kept& kept);
  // The lanes that are still late have missed what was routed without them.
  void GiveUpLate();
  // If no lane waits for the kept relays any more, they can be settled.
  void EndLate();
  // The lane has left: its snapshot is not waited for.
  void StopAwaiting(uint64_t lane_id);
  // The peers of the lane have missed relays.
  void TellMissed(uint64_t lane_id);
  void TellPassedOver();
  // No lane is waited for any longer.
  void EndHold();
  // Whether its edge has no other lane.
  bool IsOnlyLane(const LaneRecord& lane) const;
  void AddRoster(LaneRecord& lane);
  void Publish(uint64_t lane_id, LaneRecord* lane, signaling::v1::LaneEvent& event);
  void Query(PeerRecord& peer, const signaling::v1::LaneEvent& event);
  void Subscribe(PeerRecord& peer, const signaling::v1::LaneEvent& event);
  void Unsubscribe(PeerRecord& peer, const std::string& topic);
  // Tells every lane with a watcher of the topic; not `peer` itself.
  void Announce(signaling::v1::Notice::Kind kind, PeerRecord& peer, const TopicRecord& topic);
  void AnswerRelay(LaneRecord& origin, const signaling::v1::LaneEvent& event, uint64_t reached);
  // The peer's relay went to that many subscribers, with that many bytes each; its lane is told
  // when the sum is large.
  void CountFanOut(PeerRecord* peer, uint64_t reached, size_t bytes);
  // Appends a delivery for every lane that the relay goes to; returns the number of subscribers.
  uint64_t Deliver(uint64_t lane_id, signaling::v1::LaneEvent& event, TopicRecord& topic);
  uint64_t DeliverToOne(uint64_t lane_id, signaling::v1::LaneEvent& event,
                        const TopicRecord& topic);
  // 1 if the sender is one of the subscribers in `interest`, otherwise 0.
  uint32_t SenderIn(const Interest& interest, uint64_t lane_id, uint64_t sender,
                    const TopicRecord& topic) const;
  // The peer that a relay with `to` goes to; null when there is none.
  const PeerRecord* AddresseeOf(const signaling::v1::LaneEvent& event,
                                const TopicRecord& topic) const;
  signaling::v1::Delivery* AddDelivery(LaneRecord& lane, uint64_t origin,
                                       const signaling::v1::LaneEvent& event);
  void Trace(uint64_t lane_id, const LaneRecord* origin, const signaling::v1::LaneEvent& event,
             const TopicRecord* topic);
  // ---- MeshHost, and what a mesh needs of lanes that open (router_mesh.cc)
  bool DeliverItem(LaneRecord& lane, signaling::v1::MeshItem& relay, const RelayLedger::Owed& owed,
                   bool last) override;
  void AddTarget(const RelayLedger::Owed& owed) override;
  void Announce(signaling::v1::Notice::Kind kind, uint64_t peer, std::string_view topic,
                uint64_t only) override;
  void AnswerSubscribed(PeerRecord& peer, const std::string& topic, uint64_t others) override;
  void TellLaneMissed(uint64_t lane_id) override { TellMissed(lane_id); }
  void TakeRecord(const std::string& topic, signaling::v1::Record record, RecordStore::Said said,
                  uint64_t lane_id) override;
  std::vector<Unanswered> Forget(LaneRecord& lane) override;
  bool OnLaneElsewhere(uint64_t lane_id) override;
  // False when the lane may not come now; then its stream is closed.
  bool AdmitToMesh(LaneOpened& opened);
  void FinishLanesElsewhere(const signaling::v1::Roster& roster);
  // Whether the lane has been at another core that this one knows nothing of.
  bool KnewAnother(const signaling::v1::Hello& hello) const;

  // Closes its peers, settles what was owed to it, and forgets it.
  void CloseLane(LaneRecord& lane, bool given_up);
  // The same for a lane that may come back: remembers its secret, and says what was lost.
  void GiveUp(LaneRecord& lane, LaneEnd reason);
  // `excused`: the core could not receive anything from them.
  void GiveUpOverdue(bool excused);
  // Continues the lane's link. False when the lane and the core disagree about it.
  bool ResumeLane(LaneRecord& lane, LaneOpened& opened);
  LaneRecord& BeginLane(LaneOpened& opened, signaling::v1::Welcome* welcome);
  void Bury(const LaneRecord& lane);
  void DetachStream(LaneRecord& lane, const absl::Status& status);
  static absl::Status WhyDrained();
  // The lane's batch has been handled: the lane may pass in another, unless too much of it is held.
  void GiveBack(LaneRecord& lane, LaneEndpoint& endpoint, signaling::v1::LaneToCore& batch);
  void MarkDirty(LaneRecord& lane) { output_.Mark(lane); }
  // The message that is being gathered for the lane.
  signaling::v1::CoreToLane& For(LaneRecord& lane) { return output_.For(lane); }
  void SendGathered();
  void Send(LaneRecord& lane);
  // Fills in what every event of the feed has; null when nobody watches.
  signaling::v1::Event* NewEvent(signaling::v1::Event::Kind kind, const LaneRecord& lane,
                                 const PeerRecord* peer);

  const uint64_t core_id_;
  const CoreLimits limits_;
  const Clock& clock_;
  absl::Duration now_;         // steady clock, at the current input
  int64_t steady_us_;          // the same
  absl::Duration wall_ahead_;  // of the steady clock, at the last tick
  const int64_t started_us_;
  int64_t now_us_;
  Directory directory_;
  LiveFeed feed_;
  RecordStore records_;
  LaneOutput output_;
  QueryAnswers answers_{records_, directory_, output_};
  std::deque<LaneRecord*> turns_;  // lanes with unfinished batches, the next one first
  uint64_t work_ = 0;              // of this turn
  bool unfinished_ = false;
  bool turn_wanted_ = false;  // a Continue has been requested
  ReturnHold hold_;
  PassedOver passed_over_;
  LateLanes late_;
  std::vector<LaneRecord*> catching_up_;  // late lanes that have sent their snapshot
  bool routed_older_ = false;             // during this input
  bool withholds_ = false;                // batches: LaneRecord::withheld
  absl::Duration last_tick_;
  uint64_t roster_version_ = 0;
  uint64_t last_link_ = 0;  // numbers of links
  bool ticking_ = false;    // during a tick, in which settled relays are told
  bool stopping_ = false;
  bool draining_ = false;
  Tombstones tombstones_;
  uint64_t origin_link_ = 0;  // of the relay being routed: the link of its lane; 0: none
  uint32_t targets_ = 0;      // lanes that must acknowledge the relay being routed
  RouterCounters counters_;
  LogLimiter refusals_logged_;
  Rate rate_;
  signaling::v1::Event event_;  // reused
  std::unique_ptr<Mesh> mesh_;  // null: there is no other core
  std::string fleet_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ROUTER_H_
