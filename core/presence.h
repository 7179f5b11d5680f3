// Presence: peers that connect, subscribe, unsubscribe and leave, and the notices of it to others.
//
// A watcher is a subscriber whose client asked for presence. The watchers of a topic get Joined and
// Left; in a fleet the mesh decides which of them, because some are at other cores. Operators who
// watch events get an event of each.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: Directory's. A subscription costs O(lanes with interest), a peer that leaves O(its
//         topics).
// Errors: an event that changes nothing is counted (RouterCounters::events_ignored).
#ifndef CAIRN_CORE_PRESENCE_H_
#define CAIRN_CORE_PRESENCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/directory.h"
#include "core/lane_output.h"
#include "core/live_feed.h"
#include "core/mesh.h"
#include "core/query_answers.h"
#include "core/router_counters.h"
#include "core/turn.h"
#include "signaling/v1/admin.pb.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class Presence {
 public:
  // All must outlive this. `mesh` is null in a core that is alone.
  Presence(const Turn& turn, Directory& directory, LaneOutput& output, LiveFeed& feed,
           QueryAnswers& answers, RouterCounters& counters, const std::unique_ptr<Mesh>& mesh)
      : turn_(turn),
        directory_(directory),
        output_(output),
        feed_(feed),
        answers_(answers),
        counters_(counters),
        mesh_(mesh) {}

  // ---- events of a lane; their strings may be moved out
  void Open(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void Subscribe(PeerRecord& peer, const signaling::v1::LaneEvent& event);
  void Unsubscribe(PeerRecord& peer, const std::string& topic);
  void Close(PeerRecord& peer, uint32_t code, std::string_view reason);
  // An edge is up with the first of its lanes and down with the last. To be called while the lane
  // is in the directory.
  void OnLaneUp(const LaneRecord& lane);
  void OnLaneDown(const LaneRecord& lane);

  // ---- notices, for the mesh
  // Sends the notice to every lane of this core with a watcher of the topic, or only to the peer
  // `only` if that is not 0.
  void Announce(signaling::v1::Notice::Kind kind, uint64_t peer, std::string_view topic,
                uint64_t only);
  // Answers a subscription of the peer: `others` are subscribed to the topic already.
  void AnswerSubscribed(PeerRecord& peer, const std::string& topic, uint64_t others);

 private:
  // Tells every lane with a watcher of the topic; not `peer` itself.
  void Announce(signaling::v1::Notice::Kind kind, PeerRecord& peer, const TopicRecord& topic);
  // Fills in what every event of the feed has; null when nobody watches.
  signaling::v1::Event* NewEvent(signaling::v1::Event::Kind kind, const LaneRecord& lane,
                                 const PeerRecord* peer);

  // Borrowed; must outlive this.
  const Turn& turn_;
  Directory& directory_;
  LaneOutput& output_;
  LiveFeed& feed_;
  QueryAnswers& answers_;
  RouterCounters& counters_;
  const std::unique_ptr<Mesh>& mesh_;
  // Router thread only.
  signaling::v1::Event event_;  // reused
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_PRESENCE_H_
