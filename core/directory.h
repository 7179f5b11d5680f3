// Directory: the peers and the lanes that they are connected through, their subscriptions, and
// recently closed peers.
//
// Plain tables with the bookkeeping that keeps them consistent; the router decides what follows
// from a change.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: a record per lane, peer, subscription and topic: about 670 bytes a peer, 100 a
//         subscription, 150 a topic (`./dev bench inspection`). History: kMaxHistory closed peers.
#ifndef CAIRN_CORE_DIRECTORY_H_
#define CAIRN_CORE_DIRECTORY_H_

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>
#include <absl/container/node_hash_map.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_set.h"
#include "core/edge_share.h"
#include "core/edge_sink.h"
#include "core/lane_channel.h"
#include "core/owed_answers.h"
#include "core/rate.h"
#include "core/relay_ledger.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

struct LaneRecord;
struct TopicRecord;

struct PeerRecord {
  uint64_t id = 0;
  LaneRecord* lane = nullptr;
  signaling::v1::PeerInfo info;
  signaling::v1::PeerStats stats;
  int64_t stats_at_us = 0;
  absl::flat_hash_set<TopicRecord*> topics;
  std::vector<std::string> queries;  // topics it waits for records of
  uint64_t fan_out = 0;              // CountFanOut(): its lane has not been told of it
  uint32_t max_answer_bytes = 0;     // LaneEvent.max_answer_bytes of its last query
};

struct Interest {
  LaneRecord* lane;
  uint32_t subscribers;
  uint32_t watchers;  // how many of them are told about others that join and leave
  uint64_t ids_xor;   // of all subscribers' ids: the id of the one if there is one
};

struct TopicRecord final : Named<TopicRecord> {
  Rate rate;
  absl::InlinedVector<Interest, 2> interests;
  int64_t created_us = 0;
  int64_t last_relay_us = 0;
  uint64_t relays = 0;
  uint64_t bytes = 0;
};

// A batch of a lane; the events before `next` have been handled.
struct OpenBatch {
  std::shared_ptr<LaneEndpoint> endpoint;
  signaling::v1::LaneToCore batch;
  int next = 0;
};

enum class LaneState : uint8_t {
  kSyncing,  // its snapshot is being received
  kLive,
  kLeaving,  // it has said goodbye: it is removed with its stream
};

struct LaneRecord {
  uint64_t id = 0;
  std::string edge;
  uint32_t index = 0;
  std::string version;
  int64_t tls_not_after_us = 0;
  int64_t connected_since_us = 0;
  absl::flat_hash_set<PeerRecord*> peers;
  signaling::v1::LaneStats stats;
  // One of the two: a lane of this process, or one with a link.
  std::shared_ptr<EdgeSink> sink;
  std::unique_ptr<LaneChannel> channel;
  std::string secret;     // of its link
  bool proven = false;    // its id, and those of its peers, are derived from its secret
  EdgeShare* share;       // of its edge
  uint64_t next_seq = 1;  // of its next new relay, once its snapshot is complete
  // Used by the router: the message gathered for the lane while one input is handled.
  signaling::v1::CoreToLane out;
  bool dirty = false;
  LaneState state = LaneState::kSyncing;
  bool late = false;      // of LateLanes: relays are kept for it, and not routed to it
  size_t caught_up = 0;   // so many of those kept for it have been delivered
  uint32_t withheld = 0;  // batches that are not given back while the core holds relays
  uint64_t last_seq = 0;  // of its relays that were handled
  RelayLedger ledger;
  std::deque<OpenBatch> batches;  // the unfinished ones, in order
  bool has_turn = false;  // used by the router: in its list of lanes with unfinished batches
  OwedAnswers owed;
  bool owing = false;           // used by the router: in its list of lanes with waiting answers
  uint64_t roster_version = 0;  // of the roster that it was last told
  bool unaware = false;         // has not acknowledged a Notice.KIND_MISSED

  // It has a stream, or needs none.
  bool attached() const { return sink || channel->attached(); }
};

// A closed peer, as operators see it.
struct ClosedPeer {
  uint64_t id = 0;
  std::string edge;
  uint32_t lane = 0;
  signaling::v1::PeerInfo info;
  signaling::v1::PeerStats stats;
  uint64_t number = 0;  // 1, 2, 3, … in the order of closing
  int64_t closed_us = 0;
  uint32_t close_code = 0;
  std::string close_reason;
};

class Directory {
 public:
  static constexpr size_t kMaxHistory = 10'000;

  using Topics = NamedSet<TopicRecord>;
  // The same, in the order of their names.
  using TopicNames = absl::btree_set<const TopicRecord*, NamedBefore<TopicRecord>>;
  // By id.
  using Lanes = absl::flat_hash_map<uint64_t, std::unique_ptr<LaneRecord>>;

  using History = std::map<uint64_t, ClosedPeer, std::greater<>>;

  // ---- lanes. Null when unknown.
  // REQUIRES for Add: the id is unknown.
  LaneRecord* AddLane(const signaling::v1::Hello& hello, int64_t now_us);
  LaneRecord* FindLane(uint64_t lane_id);
  LaneRecord* FindLane(const LaneEndpoint* endpoint);
  // Inputs from the endpoint belong to the lane, until Unbind().
  void Bind(const LaneEndpoint* endpoint, LaneRecord& lane);
  void Unbind(const LaneEndpoint* endpoint);
  // REQUIRES: it has no peers, and its endpoint is not bound.
  void RemoveLane(const LaneRecord& lane);
  // With that Hello.edge.
  size_t LanesOf(const std::string& edge) const;

  // ---- peers. AddPeer() returns null when the id is that of a peer already, on whatever lane.
  PeerRecord* AddPeer(LaneRecord& lane, uint64_t id, signaling::v1::PeerInfo info);
  PeerRecord* FindPeer(uint64_t id);
  // Moves it, with its subscriptions, into the history.
  void RemovePeer(PeerRecord& peer, int64_t now_us, uint32_t close_code,
                  std::string_view close_reason);

  // ---- subscriptions. False when nothing changes.
  bool Subscribe(PeerRecord& peer, std::string_view topic, int64_t now_us);
  bool Unsubscribe(PeerRecord& peer, std::string_view topic);
  // Whether the peer is the lane's, and subscribed to the topic.
  bool IsSubscribed(const LaneRecord& lane, uint64_t peer, const TopicRecord& topic) const {
    if (asked_.peer != peer || asked_.topic != &topic || asked_.lane != &lane)
      AskWhetherSubscribed(lane, peer, topic);
    return asked_.answer;
  }
  TopicRecord* FindTopic(std::string_view name) {
    return last_topic_ && last_topic_->name() == name ? last_topic_ : LookUpTopic(name);
  }
  const TopicRecord* Topic(std::string_view name) const;

  // ---- for inspection
  const Lanes& lanes() const { return lanes_; }
  const Topics& topics() const { return topics_; }
  // In ascending order, so that pages can be cut from a table that changes.
  const absl::btree_map<uint64_t, const PeerRecord*>& peer_ids() const { return peer_ids_; }
  const TopicNames& topic_names() const { return topic_names_; }
  const PeerRecord* Peer(uint64_t id) const;
  // By ClosedPeer::number, newest first.
  const History& history() const { return history_; }
  const ClosedPeer* Closed(uint64_t id) const;
  size_t subscription_count() const { return subscriptions_; }
  uint64_t peers_opened() const { return peers_opened_; }
  uint64_t peers_closed() const { return peers_closed_; }

 private:
  void AskWhetherSubscribed(const LaneRecord& lane, uint64_t peer, const TopicRecord& topic) const;
  TopicRecord* LookUpTopic(std::string_view name);
  void Forget(PeerRecord& peer);
  void RemoveInterest(const PeerRecord& peer, TopicRecord* topic);

  Lanes lanes_;
  absl::node_hash_map<std::string, EdgeShare> shares_;  // by Hello.edge
  absl::flat_hash_map<const LaneEndpoint*, LaneRecord*> endpoints_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<PeerRecord>> peers_;
  absl::btree_map<uint64_t, const PeerRecord*> peer_ids_;
  Topics topics_;
  TopicNames topic_names_;
  History history_;
  absl::flat_hash_map<uint64_t, History::iterator> history_by_id_;
  // The last topic found, or null: messages for a topic often follow each other.
  TopicRecord* last_topic_ = nullptr;
  // The last answer of IsSubscribed(), for the same reason; forgotten with every change.
  struct Asked {
    const LaneRecord* lane = nullptr;
    const TopicRecord* topic = nullptr;
    uint64_t peer = 0;
    bool answer = false;
  };
  mutable Asked asked_;
  size_t subscriptions_ = 0;
  uint64_t peers_opened_ = 0;
  uint64_t peers_closed_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_DIRECTORY_H_
