// A session's whole input: bytes as a client sends them after the upgrade, through WebSocket and
// CBOR decoding, the lane and a router-less link that hands every relay back as a delivery.
//
// Checks: no byte string crashes it; the lane is empty when the session is gone; what is delivered
// to the second session are whole frames.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "edge/session.h"
#include "proto/wire/ws_encoder.h"

namespace {

using namespace cairn;

class RecordingClient final : public edge::Client {
 public:
  void Deliver(std::string_view frames) override {
    while (!frames.empty()) {
      if (wire::WsFrameSize(frames) > frames.size()) std::abort();
      wire::TakeWsFrame(frames);
    }
  }
  void Pong(std::string_view payload) override {
    if (payload.size() > 125) std::abort();
  }
  void Charge(uint64_t) override {}
  void OnPong(std::string_view) override {}
  void Close(edge::CloseReason, uint16_t) override { closed = true; }
  void Disconnect(uint16_t, std::string_view) override { closed = true; }
  size_t queued_bytes() const override { return 0; }

  bool closed = false;
};

// Every relay comes back as a delivery of its own lane.
class EchoLink final : public edge::CoreLink {
 public:
  explicit EchoLink(edge::Lane& lane) : lane_(lane) {}
  void Start() override { lane_.OnSession({}); }
  void Submit(signaling::v1::LaneToCore& batch) override {
    signaling::v1::CoreToLane message;
    for (const auto& event : batch.events()) {
      if (event.kind() != signaling::v1::LaneEvent::KIND_RELAYED) continue;
      auto* delivery = message.add_deliveries();
      delivery->set_origin_lane(lane_.identity().lane_id);
      delivery->set_origin_seq(event.seq());
      delivery->set_from(event.peer());
      delivery->set_topic(event.topic());
      delivery->set_payload(event.payload());
    }
    lane_.OnAccepted(batch);
    batch.Clear();
    lane_.OnCoreMessage(message);
    while (lane_.has_waiting()) lane_.DeliverWaiting();
    lane_.EndTurn();
  }
  size_t Room() const override { return room; }
  size_t cost() const override { return 0; }
  void Tick() override {}
  bool can_break() const override { return true; }
  bool connected() const override { return true; }
  const edge::BatchHistogram& batches() const override { return batches_; }

  size_t room = 1 << 20;

 private:
  edge::Lane& lane_;
  const edge::BatchHistogram batches_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  edge::EdgeLimits limits;
  limits.max_message_bytes = 4096;
  limits.max_topics = 4;
  limits.max_topic_bytes = 64;
  edge::EdgeCounters counters;
  const SystemClock clock;
  edge::Lane lane({1, "fuzz", 0}, limits, counters, clock);
  EchoLink link(lane);
  lane.Connect(&link);
  wire::MessageReader reader;
  edge::SessionContext context{lane, limits, counters, reader};
  {
    RecordingClient sender, listener;
    edge::Session from(context, sender, 1, {});
    edge::Lane::PeerFacts v2;
    v2.dialect = wire::Dialect::kV2;
    edge::Session to(context, listener, 2, v2);
    // The listener receives the same bytes as the sender's own subscription in this input.
    std::string bytes(reinterpret_cast<const char*>(data), size);
    std::string copy = bytes;
    to.OnBytes({copy.data(), copy.size() / 2});
    lane.Flush();
    // The sender's relays wait, and are sent when there is room, or to another core.
    link.room = 0;
    lane.OnRoom();
    from.OnBytes({bytes.data(), bytes.size()});
    lane.Flush();
    link.room = 1 << 20;
    if (size % 2 == 0) {
      edge::CoreSession session;
      session.kind = edge::CoreSession::Kind::kNewCore;
      lane.OnSession(std::move(session));
    }
    lane.OnRoom();
    lane.Flush();
    to.OnBytes({copy.data() + copy.size() / 2, copy.size() - copy.size() / 2});
    lane.Flush();
  }
  lane.Flush();
  if (lane.member_count() != 0 || lane.topic_count() != 0) std::abort();
  return 0;
}
