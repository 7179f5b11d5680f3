// Oracle: the actions of clients, the results that they must have, and whether they had them.
//
// It is called for every action that an edge has accepted, every frame that a client gets, and
// every input that the core has handled. A relay is expected by every client whose subscription the
// core had handled before an edge accepted the relay. A missing relay is excused only as
// docs/RELAYS.md says: the target's lane was given up or late, and its v2 clients were told, unless
// all lanes that knew of it have ended; or the origin could not know whether the relay had arrived,
// and its edge counted that.
//
// Owner:  World.
// Bounds: kMaxClients in a run.
#ifndef CAIRN_TESTS_SIM_ORACLE_H_
#define CAIRN_TESTS_SIM_ORACLE_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/router.h"
#include "edge/core_link.h"
#include "tests/sim/core_host.h"
#include "tests/sim/frame.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace cairn::sim {

inline constexpr int kMaxClients = 32;
using Mask = uint64_t;  // of clients
inline Mask BitOf(int client) { return Mask{1} << client; }

enum class Speaks : uint8_t { kNative, kV2, kRecords };

// The sums over all runs: they show that a simulation without failures has checked something.
struct Coverage {
  uint64_t relays = 0;
  uint64_t expected = 0;  // relays times clients
  uint64_t delivered = 0;
  uint64_t receipts = 0;
  uint64_t answers = 0;  // Subscribed
  uint64_t results = 0;  // of queries
  uint64_t excused = 0;  // expected, not delivered, counted and told
  uint64_t unsure = 0;
  uint64_t forgotten = 0;  // expected, not delivered, counted, and known only to lanes that ended
  uint64_t duplicates_dropped = 0;
  uint64_t given_up = 0;
  uint64_t late = 0;
  uint64_t cores = 0;
  uint64_t resumed = 0;
  uint64_t congested = 0;
  uint64_t held = 0;
  uint64_t faults = 0;
  uint64_t events = 0;
  uint64_t virtual_ms = 0;
};

class Oracle {
 public:
  Oracle(const Timeline& timeline, Trace& trace, Coverage& coverage, int topics);

  // The first check that failed; empty: none.
  const std::string& failure() const { return failure_; }
  void Fail(const std::string& what);

  // ---- actions, once the lane has accepted them
  int AddClient(uint64_t peer, Speaks speaks, int lane);
  void Left(int client);
  void Subscribed(int client, int topic);
  void Unsubscribed(int client, int topic);
  // Returns the number of the relay, with which its payload begins. `to`: -1 for all subscribers.
  int Relay(int client, int topic, int to, bool wants_receipt);
  // The relay is also a record, which replaces the client's last one of the topic.
  void Published(int client, int topic, int relay);
  void Queried(int client, int topic);
  void Received(int client, std::string_view frame);
  // Called before the oracle looks at a frame; true: the oracle ignores the frame.
  std::function<bool(int client, const Frame&)> on_frame;

  // ---- lanes
  int AddLane(uint64_t lane_id);
  // Its edge has ended; `finished`: everything that its clients relayed had arrived.
  void LaneEnded(int lane, bool finished);
  // The core has handled everything that the lane had to send.
  void LaneIdle(int lane);
  // The lane gave up so many of its relays: it could not know whether they had arrived.
  void Unsure(int lane, uint64_t relays);
  // Relays that the lane's clients have not got are excused, and the lane sends their subscriptions
  // again. `retold`: from now on the core's table shows the new subscriptions.
  void LaneLost(int lane, const char* why, bool retold = true);
  // The same for relays; the core still knows the subscriptions.
  void LaneMissed(int lane);

  // ---- the core
  void CoreStarted();
  // The lane has received the roster on the link of that number.
  void RosterTold(int lane, uint64_t link, const signaling::v1::Roster& roster);
  // A lane is about to begin or continue a link.
  void HelloSaid(const core::Router& router, const signaling::v1::Hello& hello);
  // `opened`: the lane that has opened a stream by this input.
  void CoreHandled(core::Router& router, const CoreHost::OpenedLane& opened);

  // With several cores: `known` says whether all of them know the peer's subscription.
  void LookForSubscriptions(const std::function<bool(uint64_t peer, const std::string&)>& known);

  // ---- at the end, when everything has been healed and is quiet
  void CheckEverythingArrived(const core::Router& router);
  // With several cores, for each other one: whether it has all records.
  void CheckRecords(const core::Router& router);
  // After all clients have left, too.
  void CheckEmpty(core::Router& router);

 private:
  struct Sub {
    bool on = false;
    bool in_force = false;
    bool certain = false;  // the entry in the core's table is of this subscription
    uint32_t instance = 0;
    int asks = 0;  // v2: since the client subscribed
    int answers = 0;
    Time answered_at = -1;
    Time asked_at = -1;
    Time missed_at = -1;
    std::vector<int> last;  // by sender: the newest relay of it that arrived
    int queries = 0;        // open
    int record = -1;        // the relay that is the client's last record
  };
  struct Client {
    uint64_t peer;
    Speaks speaks;
    int lane;
    bool on = true;
    std::vector<Sub> subs;  // by topic
  };
  struct RelayRecord {
    int client;
    int topic;
    int to;
    int lane;
    Time accepted;
    Mask expected = 0;
    Mask delivered = 0;
    Mask excused = 0;
    bool wants_receipt = false;
    bool receipt_excused = false;
    bool unsure = false;
    int receipts = 0;
    std::vector<uint32_t> instances;  // of the expected, in the order of their bits
  };
  struct LaneView {
    uint64_t id;
    bool on = true;
    bool finished = true;
    uint64_t link = 0;           // at the core that runs
    uint64_t untold = 0;         // settled relays that this core has not told it of
    std::set<int> knowers = {};  // lanes whose roster said that it is absent or unaware of that
  };
  struct Pending {
    int client;
    int topic;
  };

  void Excuse(int lane, const char* why);
  void OnRelayFrame(int client, const Frame& frame);
  void OnReceipt(int client, uint64_t id);
  int TopicOf(std::string_view name) const;
  void LookForLostLanes(core::Router& router, const CoreHost::OpenedLane& opened);
  void LookForLateLanes(core::Router& router);
  void LookAtWhatIsSettled(core::Router& router);
  void CheckRecord(const core::Router& router, int client, int topic);
  // A lane received a roster: lanes that are missing in it were given up, or late.
  void NoteWhoIsMissing(int lane, const signaling::v1::Roster& roster);
  bool OnlyTheEndedKnow(int lane) const;
  void CheckRelay(int number, const RelayRecord& relay);
  std::string Describe(int number, const RelayRecord& relay) const;

  const Timeline& timeline_;
  Trace& trace_;
  Coverage& coverage_;
  const int topics_;
  std::string failure_;
  std::vector<Client> clients_;
  std::vector<LaneView> lanes_;
  std::vector<RelayRecord> relays_;
  std::vector<Pending> pending_;  // subscriptions that are not in force
  uint64_t lanes_key_ = 0;
  uint64_t roster_version_ = 0;
  uint64_t lanes_late_ = 0;
  std::set<uint64_t> late_;  // the lanes that the core keeps relays for
  // Of the running core: when the first lane that knew an earlier core sent Hello, and the lanes in
  // the rosters of such lanes that have not connected yet.
  Time first_return_ = -1;
  std::set<uint64_t> named_;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_ORACLE_H_
