// Lane: the sessions of one loop, their topics, and what passes between them and the core.
//
// Keeps the session table (connected clients and their subscriptions), numbers the relays that it
// sends to the core and keeps them until they have arrived, and fans out the core's messages: the
// core sends a relay once per lane. A core that has lost its state is sent the table again, so that
// no client notices. docs/RELAYS.md has the rules.
//
// Owner:  one Loop.
// Thread: that loop's, unless a method says "any thread".
// Bounds: EdgeLimits::max_topics a member; about 100 bytes a subscription, and 60 a topic besides
//         its name. EdgeLimits::max_backlog_bytes of data that the core has not accepted,
//         max_open_bytes of relays that it has accepted and that some lane may not have yet: above
//         either, congested() is true.
// Errors: none of its own; the session gets errors about limits. Relays that are given up are
//         counted.
#ifndef CAIRN_EDGE_LANE_H_
#define CAIRN_EDGE_LANE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/named_set.h"
#include "edge/client.h"
#include "edge/core_link.h"
#include "edge/counters.h"
#include "edge/known_rosters.h"
#include "edge/limits.h"
#include "edge/open_relays.h"
#include "edge/outbox.h"
#include "edge/record_cache.h"
#include "edge/relay_run.h"
#include "edge/seen_relays.h"
#include "edge/waiting_relays.h"
#include "edge/work.h"
#include "proto/wire/json_result.h"
#include "proto/wire/message.h"

namespace cairn::edge {

class Lane final : public CoreLinkListener {
 public:
  // What the core is told about a connection: PeerInfo in lane.proto.
  struct PeerFacts {
    int64_t connected_since_us = 0;
    std::string remote_address;
    std::string user_agent;
    const char* tls_version = "";
    wire::Dialect dialect = wire::Dialect::kNative;
    uint64_t proof = 0;  // LaneEvent.proof
  };

  // PeerStats in lane.proto.
  struct PeerCounts {
    uint64_t messages_in = 0;
    uint64_t messages_out = 0;
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    int64_t last_activity_us = 0;
    int64_t rtt_us = 0;
    const char* dialect = "";
  };

  struct Topic;
  struct Subscription {
    uint32_t position = 0;  // in Topic::members
    bool answered = false;  // v2: the client has been told the number of subscribers
    bool asked = false;     // v2: the client wants to be told again
    bool is_new = true;     // no core has been told of it yet
  };
  struct WaitingQuery {
    absl::Duration until;
    std::string topic;
  };
  // One session on the lane. Its address is the handle.
  struct Member {
    uint64_t peer = 0;
    Client* client = nullptr;
    PeerFacts facts;
    PeerCounts counts;
    bool told = false;                  // the core of this session knows it
    bool unreported = false;            // in unreported_
    bool plain_addresses = false;       // wants addresses back as text (wire::WriteJsonResult)
    std::vector<WaitingQuery> queries;  // all wait equally long: the first is due first
    absl::flat_hash_map<Topic*, Subscription> topics;

    bool v2() const { return facts.dialect == wire::Dialect::kV2; }
    // Of its binary messages.
    MessageForm form() const { return v2() ? MessageForm::kCborV2 : MessageForm::kCbor; }
  };
  struct Topic final : Named<Topic> {
    absl::InlinedVector<Member*, 2> members;
  };

  enum class SubscribeResult { kSubscribed, kAlready, kTooMany };

  // Orders of the core other than deliveries and disconnects, which the lane carries out itself.
  struct Orders {
    std::function<void()> drain;
    std::function<void(const std::string& directives)> set_log_directives;
  };

  Lane(LaneIdentity identity, const EdgeLimits& limits, EdgeCounters& counters, const Clock& clock);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Called before anything else: starts the link, which must outlive the lane's use.
  void Connect(CoreLink* link);
  void SetOrders(Orders orders) { orders_ = std::move(orders); }

  // ---- called by sessions. `peer` is random, not 0, and unique. `client` must outlive the
  // membership.
  Member* Join(uint64_t peer, Client* client, PeerFacts facts);
  // `code` and `reason`: as shown in the core's history.
  void Leave(Member* member, uint16_t code, std::string_view reason);
  SubscribeResult Subscribe(Member* member, std::string_view topic);
  void Unsubscribe(Member* member, std::string_view topic);
  // REQUIRES: message.kind is kRelay. `to`: the only peer that is to get it; 0: all subscribers.
  void Relay(const Member* member, const wire::Message& message, uint64_t to);

  // Keeps the record so that others find it, and relays its content to subscribers.
  void Publish(const Member* member, std::string_view topic, const wire::PublishedRecord& record);
  // Answers the member with the topic's records: at once, with the first record that is published,
  // or after query_hold with none.
  void Query(Member* member, std::string_view topic);
  // Answers queries that have waited for query_hold.
  void EndQueries();

  // Counts a data message of `bytes` received from the member.
  void NoteMessage(Member* member, size_t bytes, const char* dialect);
  void NoteRtt(Member* member, absl::Duration rtt);
  // Reports to the core what has changed since the last call: the lane's figures, and those of up
  // to kReportsPerCall members. False when there are no more changes.
  bool Report(bool draining);
  // The edge's data in that report: the expiry of the clients' certificate, 0 for plaintext, and
  // the number of cores that its lanes are connected to.
  void SetSurroundings(int64_t tls_not_after_us, uint32_t cores) {
    tls_not_after_us_ = tls_not_after_us;
    cores_ = cores;
  }

  // The time of the reads that follow, in Unix microseconds.
  void SetReadTime(int64_t now_us) { read_us_ = now_us; }

  // Hands the batch to the core; called once per turn.
  void Flush();
  // The same within a turn, if the batch is large.
  void FlushLarge() {
    if (outbox_.batch().events_size() >= link_->large_batch()) SubmitBatch();
  }
  // Forgets what need not be remembered any longer. Called ten times a second.
  void Tick();
  // Relays wait for DeliverWaiting(), because the work of a turn is bounded.
  bool has_waiting() const { return !waiting_.empty() || begun_.topic; }
  void DeliverWaiting();
  size_t waiting_cost() const { return waiting_.cost(); }
  // The work of this turn for handing relays to clients; the loop adds the work of writing.
  void AddWork(uint64_t work) { work_ += work; }
  void EndTurn() { work_ = fresh_work_ = 0; }

  // More is kept for the core than allowed: the loop must not read from clients until this is false
  // again.
  bool congested() const { return congested_; }

  // All members have left, and no new one will join: tells the core that the lane ends.
  void SayGoodbye();
  // Whether every relay of the clients has arrived everywhere.
  bool finished() const;

  // ---- called by the link
  void OnSession(CoreSession session) override;
  void OnCoreMessage(signaling::v1::CoreToLane& message) override;
  void OnAccepted(signaling::v1::LaneToCore& message) override;
  void OnRoom() override;
  void FillInRosters(signaling::v1::Hello& hello) const override { rosters_.FillIn(hello); }

  // Any thread: the cost of everything kept for the core, as of the last turn.
  size_t backlog_bytes() const { return backlog_bytes_.load(std::memory_order_relaxed); }

  const LaneIdentity& identity() const { return identity_; }
  static constexpr size_t kReportsPerCall = 1024;

  size_t member_count() const { return members_.size(); }
  size_t topic_count() const { return topics_.size(); }
  // Lanes whose resent relays can be recognised.
  size_t seen_lanes() const { return seen_.size(); }

 private:
  // ---- what the core is told (lane_session.cc)
  // The core is told at once: a session has begun, the snapshot is told, nothing waits, and there
  // is room.
  bool Flows() const {
    return snapshot_told_ && in_session_ && untold_.empty() && outbox_.empty() &&
           outbox_.has_room();
  }
  // Calls fill(event) for an event that is sent now, or queued.
  template <typename Fill>
  void Tell(signaling::v1::LaneEvent::Kind kind, uint64_t peer, const Fill& fill) {
    if (Flows()) return TellNow(kind, peer, fill);
    signaling::v1::LaneEvent& event = outbox_.AddWaiting(kind, peer);
    fill(event);
    outbox_.AddedWaiting(event);
  }
  template <typename Fill>
  void TellNow(signaling::v1::LaneEvent::Kind kind, uint64_t peer, const Fill& fill) {
    signaling::v1::LaneEvent& event = outbox_.Add(kind, peer);
    fill(event);
    outbox_.Added(event);
  }
  // Moves queued events into the batch, as far as there is room.
  void Pump();
  // Hands the batch to the link, and the queue, as far as there is room.
  void SubmitBatch();
  void TellMember(Member* member);
  void TellSubscribed(const Member& member, std::string_view topic, Subscription& subscription);
  // The member's subscription has changed. `was`: whether it was subscribed before.
  void TellChange(Member* member, std::string_view topic, bool was);
  void Resolve(const Outbox::Change& change);
  // Tells the core the current state, if the core has another one.
  void Reconcile(Member& member, std::string_view topic, bool told);
  // The events of the last session that must be resent, in order; counts those that cannot be.
  std::vector<signaling::v1::LaneEvent> RelaysOf(CoreSession& session);
  void RestoreNew(const signaling::v1::LaneEvent& subscribed);
  // Tells clients of cairn.signal.v2 that they may have missed relays of their topics.
  void SayMissed();
  void OnRoster(const signaling::v1::Roster& roster);
  void UpdateCongestion();

  void FillFacts(const Member& member, signaling::v1::PeerInfo* info) const;
  void FillStats(const Member& member, signaling::v1::PeerStats* stats) const;
  void Changed(Member* member) {
    if (member->unreported) return;
    member->unreported = true;
    unreported_.push_back(member->peer);
  }
  void CarryOut(const signaling::v1::Command& command);
  void OnNotice(signaling::v1::Notice& notice);
  // Sends a message of cairn.signal.v2.
  void Say(const Member& member, std::string_view message);
  // ---- delivery to clients (lane_fan_out.cc)
  // Relays that are being handed to the members of one topic: those before `next` have them. The
  // topic is null for a relay to one peer, and when the walk is finished.
  struct Walk {
    Topic* topic = nullptr;
    uint32_t next = 0;
    RelayRun run;
  };
  void OnDelivery(signaling::v1::Delivery& delivery) {
    RelayRun& run = fresh_.run;
    if (!run.empty() && run.Continues(delivery) && run.HasRoom(fresh_.topic->members.size()))
      return run.Borrow(delivery);
    EndRun();
    BeginRun(delivery);
  }
  // REQUIRES: nothing is gathered.
  void BeginRun(signaling::v1::Delivery& delivery);
  // Hands the gathered relays to clients, or lets them wait.
  void EndRun();
  void OnPresence(signaling::v1::Notice& notice);
  // Continues while work_ is below `until`.
  void Begin(Walk& walk, uint64_t until);
  void GoOn(Walk& walk, uint64_t until);
  void DeliverNext(uint64_t until);
  void TakeAlong(const Topic& topic, RelayRun& run);
  void Announce(const signaling::v1::Notice& notice);
  void DeliverTo(Member* member, RelayRun& run);
  void CountLatency(const RelayRun& run, uint64_t copies);
  void OnAnswer(const signaling::v1::Answer& answer);
  // Answers the member's queries that have waited for query_hold.
  void EndQueries(Member* member, absl::Duration now);
  static bool Waits(const Member& member, std::string_view topic);
  static void FillQuery(const Member& member, const std::string& topic,
                        signaling::v1::LaneEvent& event);
  // One answer for each query of the member.
  void SendResult(Member* member, std::string_view topic,
                  const std::vector<wire::PublishedRecord>& records, size_t times);
  // Null when no member is subscribed to it.
  Topic* FindTopic(std::string_view name);
  void RemoveFrom(Topic* topic, uint32_t position);

  // Immutable after construction.
  const LaneIdentity identity_;
  const EdgeLimits& limits_;
  // Borrowed; must outlive this.
  EdgeCounters& counters_;
  const Clock& clock_;
  CoreLink* link_ = nullptr;
  // Loop thread only.
  absl::flat_hash_map<uint64_t, std::unique_ptr<Member>> members_;
  NamedSet<Topic> topics_;
  // The last topic found, or null: messages for a topic often follow each other.
  Topic* last_topic_ = nullptr;
  SeenRelays seen_;
  Outbox outbox_;
  OpenRelays open_;
  bool in_session_ = false;
  bool snapshot_told_ = false;  // of this session
  std::vector<uint64_t>
      untold_;  // ids of members that the core has yet to be told of, the last one first
  bool goodbye_ = false;
  bool goodbye_told_ = false;  // in this session
  bool congested_ = false;
  std::atomic<size_t> backlog_bytes_{0};
  WaitingRelays waiting_;
  Walk begun_;               // may span turns
  Walk fresh_;               // gathers relays of the core's message; its memory is reused
  uint64_t work_ = 0;        // of this turn
  uint64_t fresh_work_ = 0;  // the part of it for new relays
  int64_t deliver_us_ = 0;   // now, Unix microseconds
  uint64_t next_seq_ = 1;
  int64_t read_us_ = 0;
  int64_t tls_not_after_us_ = identity_.tls_not_after_us;
  uint32_t cores_ = 0;
  Orders orders_;
  KnownRosters rosters_;
  RecordCache records_;
  struct Due {
    absl::Duration at;
    uint64_t peer;
  };
  std::deque<Due> due_;  // a query of the peer, unless it has been answered; the first is due first
  std::vector<uint64_t> unreported_;  // ids of members whose new figures have not been sent
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LANE_H_
