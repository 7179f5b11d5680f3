// Router: what the mesh asks of it, and what a mesh means for lanes that open.
#include <absl/status/status.h>

#include <string>
#include <utility>
#include <vector>

#include "core/router.h"

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::MeshItem;
using signaling::v1::Notice;

void Router::JoinMesh(MeshBus& bus, std::string name, std::string version, std::string fleet) {
  fleet_ = std::move(fleet);
  MeshHost& host = *this;
  mesh_ = std::make_unique<Mesh>(core_id_, std::move(name), std::move(version), limits_, host, bus,
                                 now_);
}

// Without a mesh there is no bus that they could come from.
void Router::On(MeshArrived& arrived) {
  if (mesh_) mesh_->OnMessage(arrived.message, now_);
}

// What has gathered is sent after every input.
void Router::On(MeshWritable&) {}

void Router::On(MeshNobody& nobody) {
  if (mesh_) mesh_->OnNobody(nobody.core_id);
}

// ---- lanes that open

bool Router::KnewAnother(const signaling::v1::Hello& hello) const {
  if (hello.core_id() == 0 || hello.core_id() == core_id_) return false;
  return !mesh_ || mesh_->IsForeign(hello.lane_id(), hello.core_id());
}

bool Router::AdmitToMesh(LaneOpened& opened) {
  const signaling::v1::Hello& hello = opened.hello;
  if (!mesh_->ready()) {
    opened.stream->Close(absl::UnavailableError("the core is still joining its fleet"));
    return false;
  }
  if (mesh_->IsStale(hello.lane_id(), hello.session())) {
    opened.stream->Close(absl::AbortedError("the lane has opened a newer stream"));
    return false;
  }
  LaneRecord* lane = directory_.FindLane(hello.lane_id());
  if (lane && hello.core_id() != core_id_) mesh_->OnLaneReturns(*lane, hello.session());
  return true;
}

void Router::FinishLanesElsewhere(const signaling::v1::Roster& roster) {
  for (const auto* lanes : {&roster.lanes(), &roster.awaited(), &roster.elsewhere()}) {
    for (const uint64_t lane : *lanes) {
      if (mesh_->HasFinishedElsewhere(lane)) hold_.OnFinished(lane);
    }
  }
}

bool Router::OnLaneElsewhere(uint64_t lane_id) {
  ++roster_version_;
  hold_.OnFinished(lane_id);
  if (!late_.Contains(lane_id)) return false;
  late_.Finish(lane_id);
  EndLate();
  return true;
}

std::vector<MeshHost::Unanswered> Router::Forget(LaneRecord& lane) {
  std::vector<Unanswered> unanswered;
  lane.ledger.Answered(lane.ledger.owed(), [&](const auto& owed) {
    unanswered.push_back({owed, {}});
  });
  size_t next = 0;
  bool missed = false;  // and was not told
  const auto take = [&](CoreToLane& message) {
    for (const Notice& notice : message.notices())
      missed = missed || notice.kind() == Notice::KIND_MISSED;
    for (Delivery& delivery : *message.mutable_deliveries()) {
      if (next < unanswered.size()) unanswered[next++].delivery.Swap(&delivery);
    }
  };
  for (CoreToLane& message : lane.channel->TakeUnacknowledged()) take(message);
  take(lane.out);
  if (missed) unanswered.push_back({{0, 0, 0}, {}});
  DetachStream(lane, absl::AbortedError("the lane is at another core"));
  hold_.Forget(lane.id);
  const std::vector<PeerRecord*> peers(lane.peers.begin(), lane.peers.end());
  for (PeerRecord* peer : peers) {
    answers_.Forget(*peer);
    directory_.RemovePeer(*peer, now_us_, 0, "lane_moved");
  }
  output_.Forget(lane);
  answers_.Forget(lane);
  if (lane.has_turn) std::erase(turns_, &lane);
  std::erase(catching_up_, &lane);
  directory_.RemoveLane(lane);
  ++roster_version_;
  return unanswered;
}

// ---- relays and notices

bool Router::DeliverItem(LaneRecord& lane, MeshItem& relay, const RelayLedger::Owed& owed,
                         bool last) {
  Delivery* delivery = For(lane).add_deliveries();
  delivery->set_origin_lane(relay.lane());
  delivery->set_origin_seq(relay.sequence());
  delivery->set_from(relay.peer());
  if (last) {
    delivery->mutable_topic()->swap(*relay.mutable_topic());
    delivery->mutable_payload()->swap(*relay.mutable_payload());
  } else {
    delivery->set_topic(relay.topic());
    delivery->set_payload(relay.payload());
  }
  delivery->set_to(relay.to());
  delivery->set_read_us(relay.read_us());
  ++counters_.deliveries;
  if (!lane.channel) return false;
  lane.ledger.Sent(owed);
  return true;
}

void Router::AddTarget(const RelayLedger::Owed& owed) {
  if (LaneRecord* origin = OriginOf(owed.origin_lane, owed.origin_link))
    origin->ledger.AddTarget(owed.origin_seq);
}

void Router::Announce(Notice::Kind kind, uint64_t peer, std::string_view name, uint64_t only) {
  const TopicRecord* topic = directory_.Topic(name);
  if (!topic) return;
  const PeerRecord* local = directory_.Peer(peer);
  const PeerRecord* told = only == 0 ? nullptr : directory_.Peer(only);
  for (const Interest& interest : topic->interests) {
    const bool is_own = local && local->lane == interest.lane && local->info.wants_presence() &&
                        local->topics.contains(topic);
    if (interest.watchers <= (is_own ? 1U : 0U)) continue;
    if (only != 0 && (!told || told->lane != interest.lane)) continue;
    Notice* notice = For(*interest.lane).add_notices();
    notice->set_kind(kind);
    notice->set_peer(peer);
    notice->mutable_topic()->assign(name);
    notice->set_to(only);
  }
}

void Router::AnswerSubscribed(PeerRecord& peer, const std::string& topic, uint64_t others) {
  Notice* notice = For(*peer.lane).add_notices();
  notice->set_kind(Notice::KIND_SUBSCRIBED);
  notice->set_peer(peer.id);
  notice->set_topic(topic);
  notice->set_count(others);
}

}  // namespace cairn::core
