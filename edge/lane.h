// Lane: the sessions of one loop, their topics, and what passes between them and the core.
//
// Keeps the session table (who is connected, subscribed to what) that lets a core restart without
// any client noticing, numbers the relays it sends up, and fans out what comes down: the core sends
// a relay once per lane.
//
// Owner:  one Loop. Thread: that loop's.
// Bounds: EdgeLimits::max_topics a member; about 100 bytes a subscription and 60 a topic besides
// its name. Errors: none of its own; limits are answered to the session.
#ifndef CAIRN_EDGE_LANE_H_
#define CAIRN_EDGE_LANE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "edge/client.h"
#include "edge/core_link.h"
#include "edge/counters.h"
#include "edge/limits.h"
#include "edge/record_cache.h"
#include "proto/wire/json_result.h"
#include "proto/wire/message.h"

namespace cairn::edge {

class Lane final : public CoreLinkListener {
 public:
  // What the core is told of a connection; PeerInfo in lane.proto.
  struct PeerFacts {
    int64_t connected_since_us = 0;
    std::string remote_address;
    std::string user_agent;
    const char* tls_version = "";
    wire::Dialect dialect = wire::Dialect::kNative;
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
    bool answered = false;  // v2: the client knows that it counts
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
    bool unreported = false;            // in unreported_
    bool plain_addresses = false;       // wants addresses back as text (wire::WriteJsonResult)
    std::vector<WaitingQuery> queries;  // all wait equally long: the first is due first
    absl::flat_hash_map<Topic*, Subscription> topics;

    bool v2() const { return facts.dialect == wire::Dialect::kV2; }
    // Of its binary messages.
    MessageForm form() const { return v2() ? MessageForm::kCborV2 : MessageForm::kCbor; }
  };
  struct Topic {
    std::string name;
    std::vector<Member*> members;
  };

  enum class SubscribeResult { kSubscribed, kAlready, kTooMany };

  // What the core orders besides deliveries and disconnects, which the lane carries out itself.
  struct Orders {
    std::function<void()> drain;
    std::function<void(const std::string& directives)> set_log_directives;
  };

  Lane(LaneIdentity identity, const EdgeLimits& limits, EdgeCounters& counters, const Clock& clock);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Before anything else. The link must outlive the lane's use.
  void Connect(CoreLink* link) { link_ = link; }
  void SetOrders(Orders orders) { orders_ = std::move(orders); }

  // ---- from sessions. `peer` is random, not 0, and unique. `client` must outlive the membership.
  Member* Join(uint64_t peer, Client* client, PeerFacts facts);
  // `code` and `reason` as the core's history shows them.
  void Leave(Member* member, uint16_t code, std::string_view reason);
  SubscribeResult Subscribe(Member* member, std::string_view topic);
  void Unsubscribe(Member* member, std::string_view topic);
  // REQUIRES: message.kind is kRelay. `to`: the one peer that is to get it; 0: everybody.
  void Relay(const Member* member, const wire::Message& message, uint64_t to);

  // Keeps the record for others to find, and relays its blob to subscribers.
  void Publish(const Member* member, std::string_view topic, const wire::PublishedRecord& record);
  // Answers the member with the topic's records: at once, with the first that comes, or empty after
  // query_hold.
  void Query(Member* member, std::string_view topic);
  // Answers queries that have waited long enough.
  void EndQueries();

  // A data message of `bytes` has come from the member.
  void NoteMessage(Member* member, size_t bytes, const char* dialect);
  void NoteRtt(Member* member, absl::Duration rtt);
  // Tells the core what has been counted since the last: the lane's figures, and those of up to
  // kReportsPerCall members for whom something has changed. False when that was all of them.
  bool Report(bool draining);

  // Time of the reads that follow, Unix microseconds.
  void SetReadTime(int64_t now_us) { read_us_ = now_us; }

  // Hands what has gathered to the core: once for everything that came in one go.
  void Flush();

  // ---- from the link.
  void OnCoreMessage(signaling::v1::CoreToLane& message) override;
  void AppendSnapshot(signaling::v1::LaneToCore& out) override;

  const LaneIdentity& identity() const { return identity_; }
  static constexpr size_t kReportsPerCall = 1024;

  size_t member_count() const { return members_.size(); }
  size_t topic_count() const { return topics_.size(); }

 private:
  struct NameHash {
    size_t operator()(std::string_view name) const {
      return absl::Hash<absl::string_view>()(absl::string_view(name.data(), name.size()));
    }
  };

  signaling::v1::LaneEvent* AddEvent(signaling::v1::LaneEvent::Kind kind, uint64_t peer);
  void FillFacts(const Member& member, signaling::v1::LaneEvent* event) const;
  void FillStats(const Member& member, signaling::v1::PeerStats* stats) const;
  void Changed(Member* member) {
    if (member->unreported) return;
    member->unreported = true;
    unreported_.push_back(member->peer);
  }
  void CarryOut(const signaling::v1::Command& command);
  void OnNotice(const signaling::v1::Notice& notice);
  // A message of cairn.signal.v2.
  void Say(const Member& member, std::string_view message);
  // The relay's frame in the dialect of the member; each is encoded once.
  std::string_view FrameFor(const Member& member, const signaling::v1::Delivery& delivery);
  void DeliverTo(Member* member, const signaling::v1::Delivery& delivery);
  void OnAnswer(const signaling::v1::Answer& answer);
  // Those of the member that have waited long enough.
  void EndQueries(Member* member, absl::Duration now);
  void SendResult(Member* member, std::string_view topic,
                  const std::vector<wire::PublishedRecord>& records);
  void AddSubscribed(const Member* member, std::string_view topic);
  // Null when nobody on this lane is subscribed to it.
  Topic* FindTopic(std::string_view name);
  void RemoveFrom(Topic* topic, uint32_t position);
  void FanOut(const signaling::v1::Delivery& delivery, int64_t now_us);

  // Immutable after construction.
  const LaneIdentity identity_;
  const EdgeLimits& limits_;
  // Borrowed; must outlive this.
  EdgeCounters& counters_;
  const Clock& clock_;
  CoreLink* link_ = nullptr;
  // Loop thread only.
  absl::flat_hash_map<uint64_t, std::unique_ptr<Member>> members_;
  // Keys are views of Topic::name.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Topic>, NameHash, std::equal_to<>> topics_;
  // What was found last, or null: messages for a topic come in rows.
  Topic* last_topic_ = nullptr;
  // The highest relay number seen of each origin lane.
  absl::flat_hash_map<uint64_t, uint64_t> seen_;
  signaling::v1::LaneToCore batch_;
  // Of the relay being fanned out; empty until somebody wants that form.
  std::string native_frame_;
  std::string v2_frame_;
  uint64_t next_seq_ = 1;
  int64_t read_us_ = 0;
  Orders orders_;
  std::vector<uint64_t> roster_;  // all lanes of the core, as it last said
  RecordCache records_;
  struct Due {
    absl::Duration at;
    uint64_t peer;
  };
  std::deque<Due> due_;  // a query of the peer, unless it has been answered; the first is due first
  std::vector<uint64_t> unreported_;  // ids of members whose figures the core has not got
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LANE_H_
