// The router under lane events that are well formed and otherwise arbitrary: ids, topics, numbers
// and orders that no honest lane would say, from lanes that come and go, beside honest lanes.
//
// Checks: HostileWorld's.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/fuzz/hostile_world.h"

namespace {

using namespace cairn;
using signaling::v1::LaneEvent;

// Of lanes and peers, some of them the honest ones'.
uint64_t Id(FuzzedDataProvider& in) {
  constexpr uint64_t kIds[] = {0,
                               1,
                               2,
                               3,
                               4,
                               core::HostileWorld::kTalker,
                               core::HostileWorld::kHearer,
                               core::HostileWorld::kTalks,
                               core::HostileWorld::kHears,
                               ~uint64_t{0}};
  return in.PickValueInArray(kIds);
}

uint64_t Number(FuzzedDataProvider& in, uint64_t expected) {
  const auto kind = in.ConsumeIntegralInRange<int>(0, 15);
  if (kind == 0) return in.ConsumeIntegral<uint64_t>();
  if (kind == 1) return expected + 1;
  if (kind == 2) return expected - 1;
  return expected;
}

std::string Topic(FuzzedDataProvider& in) {
  return "t" + std::to_string(in.ConsumeIntegralInRange<int>(0, 3));
}

void Fill(FuzzedDataProvider& in, LaneEvent& event, uint64_t& seq) {
  event.set_kind(static_cast<LaneEvent::Kind>(in.ConsumeIntegralInRange<int>(0, 12)));
  event.set_peer(Id(in));
  event.set_topic(Topic(in));
  const uint8_t flags = in.ConsumeIntegral<uint8_t>();
  event.set_is_new((flags & 1) != 0);
  event.set_wants_receipt((flags & 2) != 0);
  event.set_wants_answer((flags & 4) != 0);
  event.mutable_info()->set_wants_presence((flags & 8) != 0);
  if ((flags & 16) != 0) event.set_to(Id(in));
  if (event.kind() == LaneEvent::KIND_RELAYED || event.kind() == LaneEvent::KIND_PUBLISHED) {
    event.set_seq(Number(in, ++seq));
    event.set_payload(in.ConsumeRandomLengthString(8));
  }
  if (event.kind() == LaneEvent::KIND_PUBLISHED) {
    event.mutable_record()->set_connection(Id(in));
    event.mutable_record()->set_blob(in.ConsumeRandomLengthString(8));
    event.mutable_record()->set_ttl_us(in.ConsumeIntegral<int64_t>());
  }
}

struct HostileLane {
  uint64_t next = 1, seq = 0;
};

void Open(FuzzedDataProvider& in, core::HostileWorld& world, int number, HostileLane& lane) {
  signaling::v1::Hello hello;
  hello.set_protocol_version(core::Router::kProtocolVersion);
  hello.set_lane_id(Id(in));
  hello.set_secret(in.ConsumeBool() ? "secret" : "another");
  hello.set_edge("hostile");
  if (in.ConsumeBool()) {
    hello.set_core_id(in.ConsumeBool() ? 77 : 1);
    hello.set_link(in.ConsumeIntegralInRange<uint64_t>(0, 8));
    hello.set_received(in.ConsumeIntegralInRange<uint64_t>(0, 8));
    hello.mutable_roster()->add_lanes(Id(in));
    hello.mutable_roster()->set_complete(in.ConsumeBool());
    hello.mutable_told()->set_generation(in.ConsumeIntegral<uint64_t>());
  } else {
    lane = {};
  }
  world.Open(number, hello);
}

void Say(FuzzedDataProvider& in, core::HostileWorld& world, int number, HostileLane& lane) {
  signaling::v1::LaneToCore message;
  message.set_number(Number(in, lane.next++));
  message.set_received(Number(in, world.Told(number)));
  message.set_ack_now(in.ConsumeBool());
  const int events = in.ConsumeIntegralInRange<int>(0, 3);
  for (int i = 0; i < events; ++i) Fill(in, *message.add_events(), lane.seq);
  const auto form = in.ConsumeIntegralInRange<int>(0, 15);
  if (form == 0) {
    message.mutable_stats()->set_messages_in(in.ConsumeIntegral<uint64_t>());
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
  FuzzedDataProvider in(data, size);
  core::HostileWorld world;
  HostileLane lanes[3];
  while (in.remaining_bytes() > 0) {
    const int number = in.ConsumeIntegralInRange<int>(0, 2);
    HostileLane& lane = lanes[number];
    switch (in.ConsumeIntegralInRange<int>(0, 9)) {
      case 0:
        Open(in, world, number, lane);
        break;
      case 1:
        world.Break(number);
        break;
      case 2:
        world.SetWritable(number, in.ConsumeBool());
        break;
      case 3:
        world.Pass(absl::Milliseconds(in.ConsumeIntegralInRange<int>(1, 12'000)));
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
