// Router: who is present, who is interested in what, and which lanes a relay goes to.
//
// A single-writer state machine without hidden clock, thread or randomness: the same inputs at the
// same times give the same outputs.
//
// Owner:  Core. Thread: whoever is in the combiner in front of it.
// Bounds: those of Directory and LiveFeed. A relay costs O(lanes with interest), a peer that leaves
// O(its topics),
//         whatever else is connected.
// Errors: what a lane says out of turn (an event of a peer it never opened) is ignored and counted.
#ifndef CAIRN_CORE_ROUTER_H_
#define CAIRN_CORE_ROUTER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "core/directory.h"
#include "core/edge_sink.h"
#include "core/held_queries.h"
#include "core/live_feed.h"
#include "core/rate.h"
#include "core/record_store.h"
#include "core/return_hold.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class Router;

// ---- inputs

// A lane has said Hello. One that is known already goes on where its last stream broke; if that
// stream is still there it is closed with ABORTED.
struct LaneOpened {
  std::shared_ptr<EdgeSink> sink;
  signaling::v1::Hello hello;
};
struct LaneBatch {
  std::shared_ptr<EdgeSink> sink;
  signaling::v1::LaneToCore batch;  // its strings may be moved out
};
// The stream is gone. The lane's peers go too if no other stream takes its place in time. Without
// effect for a stream that was replaced.
struct LaneClosed {
  std::shared_ptr<EdgeSink> sink;
};
// The core ends: its streams are about to break one after the other. None of them is missed, so
// that no relay counts as settled because a lane it was for is gone; the next core gets it again.
struct CoreStopping {};
// An operator's question or order, carried out between two of the others. Must be short: relays
// wait meanwhile.
struct AdminCall {
  std::function<void(Router&)> run;
};
// Nothing but that time has passed; at least every kTickUs.
struct Tick {};
using RouterInput = std::variant<LaneOpened, LaneBatch, LaneClosed, CoreStopping, AdminCall, Tick>;

inline constexpr std::array<int64_t, 10> kFanOutBounds = {0,  1,  2,   5,     10,
                                                          20, 50, 100, 1'000, 10'000};

struct RouterCounters {
  uint64_t relays = 0;
  uint64_t relays_unheard = 0;       // nobody else subscribed: they went nowhere
  uint64_t deliveries = 0;           // relays times lanes
  uint64_t events_ignored = 0;       // said out of turn
  Histogram<kFanOutBounds> fan_out;  // subscribers that each relay went to
};

class Router {
 public:
  static constexpr uint32_t kProtocolVersion = 1;
  static constexpr int64_t kTickUs = 100'000;
  // A lane is told what is settled with the next message for it, and by itself only after so many
  // relays, or at the next tick: a message of its own would wake its edge for nothing else.
  static constexpr uint64_t kRelaysPerAck = 256;

  // `core_id` is random and not 0. `clock` must outlive the router.
  Router(uint64_t core_id, const Clock& clock);

  void Handle(RouterInput& input);

  // ---- inside an AdminCall
  // Sent to the lane when the call is over.
  void Disconnect(const PeerRecord& peer, uint32_t code, std::string_view reason);
  void Drain(LaneRecord& lane);
  void SetLogDirectives(LaneRecord& lane, std::string_view directives);
  LiveFeed& feed() { return feed_; }

  const Directory& directory() const { return directory_; }
  Directory& directory() { return directory_; }
  const RouterCounters& counters() const { return counters_; }
  const RecordStore& records() const { return records_; }
  size_t absent_lanes() const { return absent_; }
  size_t held_queries() const { return queries_.size(); }
  uint64_t core_id() const { return core_id_; }
  int64_t started_us() const { return started_us_; }
  // Of the input that is being handled.
  int64_t now_us() const { return now_us_; }
  double relays_per_second() const { return rate_.PerSecond(now_us_); }

 private:
  void On(LaneOpened& opened);
  void On(LaneBatch& input);
  void On(LaneClosed& closed);
  void On(CoreStopping& stopping);
  void On(AdminCall& call);
  void On(Tick& tick);

  void OnEvent(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void OnPeerEvent(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void OpenPeer(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void ClosePeer(PeerRecord& peer, uint32_t code, std::string_view reason);
  void Relay(LaneRecord& origin, signaling::v1::LaneEvent& event);
  // Has the origin told what is settled, if that is much.
  void Acknowledge(LaneRecord& origin);
  void Settle(const RelayLedger::Owed& owed);
  void ReleaseHeld();
  // Whether its edge has no other.
  bool IsOnlyLane(const LaneRecord& lane) const;
  void SendRoster();
  void Publish(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void Query(PeerRecord& peer, const std::string& topic);
  void EndQuery(PeerRecord& peer, const std::string& topic);
  void Subscribe(PeerRecord& peer, const signaling::v1::LaneEvent& event);
  void Unsubscribe(PeerRecord& peer, const std::string& topic);
  // Tells every lane with a watcher of the topic, but `peer` itself.
  void Announce(signaling::v1::Notice::Kind kind, const PeerRecord& peer, const TopicRecord& topic);
  void AnswerRelay(LaneRecord& origin, const signaling::v1::LaneEvent& event, uint64_t reached);
  // Appends a delivery for every lane the relay goes to; how many subscribers that are.
  uint64_t Deliver(LaneRecord& origin, signaling::v1::LaneEvent& event, TopicRecord& topic);
  uint64_t DeliverToOne(LaneRecord& origin, signaling::v1::LaneEvent& event,
                        const TopicRecord& topic);
  // The one peer that a relay with `to` goes to; null when it goes nowhere.
  const PeerRecord* AddresseeOf(const signaling::v1::LaneEvent& event,
                                const TopicRecord& topic) const;
  signaling::v1::Delivery* AddDelivery(LaneRecord& lane, const LaneRecord& origin,
                                       const signaling::v1::LaneEvent& event);
  // False when there is nothing to answer with.
  bool Answer(const PeerRecord& peer, const std::string& topic);
  void Trace(const LaneRecord& origin, const signaling::v1::LaneEvent& event,
             const TopicRecord* topic);
  void CloseLane(LaneRecord& lane);
  // The lane's stream is gone: keeps what is for it from now on.
  void BeginAbsence(LaneRecord& lane);
  // The lane has a new stream, which begins with what was kept.
  void EndAbsence(LaneRecord& lane, LaneOpened& opened);
  // Gives up the lanes that have been absent for too long.
  void EndOldAbsences();
  // What a lane that is back has not said again is over.
  void DropUnconfirmed(LaneRecord& lane);
  signaling::v1::CoreToLane& OutOf(LaneRecord& lane);
  void SendGathered();
  // What every event of the feed has; null when nobody watches.
  signaling::v1::Event* NewEvent(signaling::v1::Event::Kind kind, const LaneRecord& lane,
                                 const PeerRecord* peer);

  const uint64_t core_id_;
  const Clock& clock_;
  const int64_t started_us_;
  int64_t now_us_;
  Directory directory_;
  LiveFeed feed_;
  RecordStore records_;
  HeldQueries queries_;
  ReturnHold hold_;
  std::vector<LaneRecord*> dirty_;
  size_t absent_ = 0;  // lanes
  bool stopping_ = false;
  uint32_t targets_ = 0;  // lanes that will answer for the relay being routed
  RouterCounters counters_;
  Rate rate_;
  signaling::v1::Event event_;  // reused
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ROUTER_H_
