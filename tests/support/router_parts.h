// RouterParts: the objects that the parts of a router share, with lanes, for tests of one part.
#ifndef CAIRN_TESTS_SUPPORT_ROUTER_PARTS_H_
#define CAIRN_TESTS_SUPPORT_ROUTER_PARTS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/directory.h"
#include "core/lane_output.h"
#include "core/limits.h"
#include "core/live_feed.h"
#include "core/mesh.h"
#include "core/router_counters.h"
#include "core/turn.h"
#include "tests/support/fake_edge_sink.h"
#include "tests/support/fake_lane.h"

namespace cairn::core {

struct RouterParts {
  // A lane of the same process.
  LaneRecord& AddLane(uint64_t id, const std::string& edge = "edge") {
    LaneRecord& lane = AddRecord(id, edge);
    lane.sink = std::make_shared<FakeEdgeSink>();
    return lane;
  }
  // A lane behind a link, of that number.
  LaneRecord& AddLinkedLane(uint64_t id, uint64_t link) {
    LaneRecord& lane = AddRecord(id, "edge");
    lane.channel =
        std::make_unique<LaneChannel>(link, std::make_shared<FakeLaneStream>(), limits, turn.now);
    return lane;
  }
  // A peer of the lane that is subscribed to the topic.
  PeerRecord& AddPeer(LaneRecord& lane, uint64_t id, const std::string& topic,
                      bool wants_presence = false) {
    signaling::v1::PeerInfo info;
    info.set_wants_presence(wants_presence);
    PeerRecord& peer = *directory.AddPeer(lane, id, std::move(info));
    directory.Subscribe(peer, topic, turn.now_us);
    return peer;
  }
  // What has been gathered for the lane since the last call.
  static signaling::v1::CoreToLane Take(LaneRecord& lane) { return std::exchange(lane.out, {}); }
  // "KIND peer topic count" of those notices.
  static std::vector<std::string> Notices(LaneRecord& lane) {
    std::vector<std::string> words;
    const signaling::v1::CoreToLane message = Take(lane);
    for (const signaling::v1::Notice& notice : message.notices()) words.push_back(Words(notice));
    return words;
  }
  static std::string Words(const signaling::v1::Notice& notice) {
    return signaling::v1::Notice::Kind_Name(notice.kind()).substr(5) + " " +
           std::to_string(notice.peer()) + " " + notice.topic() + " " +
           std::to_string(notice.count());
  }

  CoreLimits limits;
  Turn turn;
  Directory directory;
  LaneOutput output;
  LiveFeed feed;
  RouterCounters counters;
  std::unique_ptr<Mesh> mesh;  // null

 private:
  LaneRecord& AddRecord(uint64_t id, const std::string& edge) {
    signaling::v1::Hello hello;
    hello.set_lane_id(id);
    hello.set_edge(edge);
    return *directory.AddLane(hello, turn.now_us);
  }
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_ROUTER_PARTS_H_
