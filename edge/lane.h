// Lane: the sessions of one loop, their topics, and what passes between them and the core.
//
// Keeps the session table (who is connected, subscribed to what) that lets a core restart without any client
// noticing, numbers the relays it sends up, and fans out what comes down: the core sends a relay once per lane.
//
// Owner:  one Loop. Thread: that loop's.
// Bounds: EdgeLimits::max_topics a member; about 100 bytes a subscription and 60 a topic besides its name.
// Errors: none of its own; limits are answered to the session.
#ifndef CAIRN_EDGE_LANE_H_
#define CAIRN_EDGE_LANE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/client.h"
#include "edge/core_link.h"
#include "edge/counters.h"
#include "edge/limits.h"

namespace cairn::edge {

class Lane final : public CoreLinkListener {
 public:
  // What the core is told of a connection; PeerInfo in lane.proto.
  struct PeerFacts {
    int64_t connected_since_us = 0;
    std::string remote_address;
    std::string user_agent;
    const char* tls_version = "";
  };

  struct Topic;
  // One session on the lane. Its address is the handle.
  struct Member {
    uint64_t peer = 0;
    Client* client = nullptr;
    PeerFacts facts;
    // Where this member stands in each topic's list.
    absl::flat_hash_map<Topic*, uint32_t> topics;
  };
  struct Topic {
    std::string name;
    std::vector<Member*> members;
  };

  enum class SubscribeResult { kSubscribed, kAlready, kTooMany };

  Lane(LaneIdentity identity, const EdgeLimits& limits, EdgeCounters& counters);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Before anything else. The link must outlive the lane's use.
  void Connect(CoreLink* link) { link_ = link; }

  // ---- from sessions. `peer` is random, not 0, and unique. `client` must outlive the membership.
  Member* Join(uint64_t peer, Client* client, PeerFacts facts);
  void Leave(Member* member);
  SubscribeResult Subscribe(Member* member, std::string_view topic);
  void Unsubscribe(Member* member, std::string_view topic);
  void Relay(const Member* member, std::string_view topic, std::string_view payload);

  // Hands what has gathered to the core: once for everything that came in one go.
  void Flush();

  // ---- from the link.
  void OnCoreMessage(signaling::v1::CoreToLane& message) override;
  void AppendSnapshot(signaling::v1::LaneToCore& out) override;

  const LaneIdentity& identity() const { return identity_; }
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
  void RemoveFrom(Topic* topic, uint32_t position);
  void FanOut(const signaling::v1::Delivery& delivery);

  // Immutable after construction.
  const LaneIdentity identity_;
  const EdgeLimits& limits_;
  // Borrowed; must outlive this.
  EdgeCounters& counters_;
  CoreLink* link_ = nullptr;
  // Loop thread only.
  absl::flat_hash_map<uint64_t, std::unique_ptr<Member>> members_;
  // Keys are views of Topic::name.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Topic>, NameHash, std::equal_to<>> topics_;
  // The highest relay number seen of each origin lane.
  absl::flat_hash_map<uint64_t, uint64_t> seen_;
  signaling::v1::LaneToCore batch_;
  std::string frame_;  // the one encoding of the relay being fanned out
  uint64_t next_seq_ = 1;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LANE_H_
