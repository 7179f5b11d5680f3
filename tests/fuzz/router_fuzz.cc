// The router under lane events that are well formed and otherwise arbitrary: ids, topics, numbers
// and orders that no honest lane would send, from lanes that open and close, together with honest
// lanes.
//
// Checks: HostileWorld's.
#include <cstddef>
#include <cstdint>
#include <string>

#include "proto/link/protocol_version.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/hostile_world.h"

namespace {

using namespace cairn;
using signaling::v1::LaneEvent;

// A peer's, and the proof for it: of the lane that speaks, of another, or of none.
void SetPeer(FuzzInput& in, const std::string& secret, LaneEvent& event) {
  const uint64_t proof = static_cast<uint64_t>(in.Below(3));
  event.set_proof(proof);
  switch (in.Below(7)) {
    case 0:
      return event.set_peer(link::PeerIdOf(core::HostileWorld::Secret('T'), 1));
    case 1:
      return event.set_peer(link::PeerIdOf(core::HostileWorld::Secret('H'), 1));
    case 2:
      return event.set_peer(static_cast<uint64_t>(in.Below(3)));
    default:
      return event.set_peer(link::PeerIdOf(secret, proof));
  }
}

// Of the hostile lanes, and of an honest one.
std::string Secret(FuzzInput& in) {
  constexpr char kNames[] = {'a', 'b', 'c', 'T'};
  return core::HostileWorld::Secret(in.Pick(kNames));
}

uint64_t Number(FuzzInput& in, uint64_t expected) {
  const auto kind = in.Below(15);
  if (kind == 0) return in.Whole<uint64_t>();
  if (kind == 1) return expected + 1;
  if (kind == 2) return expected - 1;
  return expected;
}

std::string Topic(FuzzInput& in) { return "t" + std::to_string(in.Below(3)); }

void Fill(FuzzInput& in, const std::string& secret, LaneEvent& event, uint64_t& seq) {
  event.set_kind(static_cast<LaneEvent::Kind>(in.Below(12)));
  SetPeer(in, secret, event);
  event.set_topic(Topic(in));
  const uint8_t flags = in.Whole<uint8_t>();
  event.set_is_new((flags & 1) != 0);
  event.set_wants_receipt((flags & 2) != 0);
  event.set_wants_answer((flags & 4) != 0);
  event.mutable_info()->set_wants_presence((flags & 8) != 0);
  if ((flags & 16) != 0) event.set_to(link::PeerIdOf(core::HostileWorld::Secret('H'), 1));
  if (event.kind() == LaneEvent::KIND_SNAPSHOT_END) event.set_next_seq(Number(in, seq + 1));
  if (event.kind() == LaneEvent::KIND_RELAYED || event.kind() == LaneEvent::KIND_PUBLISHED) {
    event.set_seq(Number(in, ++seq));
    event.set_payload(in.Bytes(8));
  }
  if (event.kind() == LaneEvent::KIND_PUBLISHED) {
    event.mutable_record()->set_connection(
        in.Flag() ? event.peer() : link::PeerIdOf(core::HostileWorld::Secret('T'), 1));
    event.mutable_record()->set_blob(in.Bytes(8));
    event.mutable_record()->set_ttl_us(in.Whole<int64_t>());
  }
}

struct HostileLane {
  std::string secret = core::HostileWorld::Secret('a');
  uint64_t next = 1, seq = 0;
};

void Open(FuzzInput& in, core::HostileWorld& world, int number, HostileLane& lane) {
  signaling::v1::LaneToCore first;
  signaling::v1::Hello& hello = *first.mutable_hello();
  const std::string secret = Secret(in);
  hello.set_protocol_version(link::kProtocolVersion);
  hello.set_lane_id(link::LaneIdOf(secret));
  // The honest lane's secret is unknown to the others.
  hello.set_secret(secret == core::HostileWorld::Secret('T') ? core::HostileWorld::Secret('x')
                                                             : secret);
  hello.set_edge("hostile");
  if (in.Flag()) {
    hello.set_core_id(in.Flag() ? 77 : 1);
    hello.set_link(static_cast<uint64_t>(in.Below(8)));
    hello.set_received(static_cast<uint64_t>(in.Below(8)));
    hello.mutable_roster()->add_lanes(link::LaneIdOf(Secret(in)));
    hello.mutable_roster()->set_complete(in.Flag());
    hello.mutable_told()->add_earlier_cores(in.Whole<uint64_t>());
  } else {
    lane = {};
  }
  lane.secret = secret;
  world.Open(number, first);
}

void Say(FuzzInput& in, core::HostileWorld& world, int number, HostileLane& lane) {
  signaling::v1::LaneToCore message;
  message.set_number(Number(in, lane.next++));
  message.set_received(Number(in, world.Told(number)));
  message.set_ack_now(in.Flag());
  const int events = in.Below(3);
  for (int i = 0; i < events; ++i) Fill(in, lane.secret, *message.add_events(), lane.seq);
  const auto form = in.Below(15);
  if (form == 0) {
    message.mutable_stats()->set_messages_in(in.Whole<uint64_t>());
  } else if (form <= 2) {
    // As a part of a larger one: the last, or not.
    signaling::v1::LaneToCore part;
    part.set_number(message.number());
    part.set_more(form == 1);
    part.set_part(message.SerializeAsString());
    message.Swap(&part);
  }
  world.Batch(number, std::move(message));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput in(data, size);
  core::HostileWorld world;
  HostileLane lanes[3];
  while (!in.empty()) {
    const int number = in.Below(2);
    HostileLane& lane = lanes[number];
    switch (in.Below(9)) {
      case 0:
        Open(in, world, number, lane);
        break;
      case 1:
        world.Break(number);
        break;
      case 2:
        world.SetWritable(number, in.Flag());
        break;
      case 3:
        world.Pass(absl::Milliseconds(1 + in.Below(12'000)));
        break;
      case 4:
        world.Relay();
        break;
      default:
        if (!world.is_open(number)) Open(in, world, number, lane);
        Say(in, world, number, lane);
    }
    world.Check();
  }
  return 0;
}
