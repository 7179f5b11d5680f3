// One process, and edge and core apart, under the same clients: each is sent the same, also when
// the link between edge and core breaks meanwhile.
//
// Input: steps of [what, …]. Checks: after each step every client has been sent the same bytes, in
// the same order, in both shapes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "proto/wire/ws_encoder.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/two_shapes.h"
#include "tests/support/client_frames.h"

namespace {

using namespace cairn;

std::string Text(std::string_view text) {
  std::string out(1, static_cast<char>(0x60 + text.size()));
  return out.append(text);
}

// A message of the CBOR dialects: {name: {"topic": …, …}}.
std::string Message(std::string_view name, const std::string& topic, const std::string& more,
                    int fields) {
  return std::string("\xa1") + Text(name) + static_cast<char>(0xa0 + fields) + Text("topic") +
         Text(topic) + more;
}

std::string Bytes(FuzzInput& in) {
  const std::string payload = in.Bytes(20);
  return std::string(1, static_cast<char>(0x40 + payload.size())) + payload;
}

std::string Said(FuzzInput& in) {
  const std::string topic = "t" + std::to_string(in.Below(2));
  switch (in.Below(7)) {
    case 0:
    case 1:
      return ClientFrame(wire::WsOpcode::kBinary, Message("Subscribe", topic, "", 1));
    case 2:
      return ClientFrame(wire::WsOpcode::kBinary, Message("Unsubscribe", topic, "", 1));
    case 3:
      return ClientFrame(
          wire::WsOpcode::kBinary,
          Message("Relay", topic,
                  Text("payload") + Bytes(in) + Text("id") + static_cast<char>(in.Below(20)), 3));
    case 4:
      return ClientFrame(wire::WsOpcode::kText, in.Bytes(200));
    case 5:
      return in.Bytes(100);
    default:
      return ClientFrame(wire::WsOpcode::kBinary,
                         Message("Relay", topic, Text("payload") + Bytes(in), 2));
  }
}

struct Both {
  FakeClock clock;
  edge::EdgeLimits limits = [] {
    edge::EdgeLimits bounds;
    bounds.max_message_bytes = 4096;
    bounds.max_topics = 2;
    bounds.max_topic_bytes = 64;
    return bounds;
  }();
  Shape direct{false, clock, limits}, split{true, clock, limits};

  template <typename Act>
  void Do(Act act) {
    act(direct);
    act(split);
  }
  void Pass(int ticks) {
    for (; ticks > 0; --ticks) {
      clock.Advance(absl::Milliseconds(100));
      Do([](Shape& shape) { shape.Tick(); });
    }
  }
  void Compare() {
    Do([](Shape& shape) { shape.Settle(); });
    for (int client = 0; client < Shape::kClients; ++client) {
      if (direct.TakeSaid(client) != split.TakeSaid(client)) std::abort();
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (log::Module* module : {&log::Edge(), &log::Core()}) module->SetLevel(LogLevel::kError);
  FuzzInput in(data, size);
  Both both;
  // A core that has just started holds relays for a while; the other shape's has nobody to wait
  // for.
  both.Pass(30);
  both.Do([](Shape& shape) {
    for (int client = 0; client < Shape::kClients; ++client) shape.Join(client);
  });
  both.Compare();
  while (!in.empty()) {
    const int client = in.Below(Shape::kClients - 1);
    switch (in.Below(9)) {
      case 0:
        both.Do([client](Shape& shape) {
          if (shape.is_there(client)) {
            shape.Leave(client);
          } else {
            shape.Join(client);
          }
        });
        break;
      case 1:
        both.Pass(1 + in.Below(20));
        break;
      case 2:  // the link breaks, with what is said just before on its way
        both.Do([client, said = Said(in)](Shape& shape) { shape.Say(client, said); });
        both.split.Break(client / 2);
        both.Pass(6);
        if (!both.split.connected()) std::abort();
        break;
      default:
        both.Do([client, said = Said(in)](Shape& shape) { shape.Say(client, said); });
    }
    both.Compare();
  }
  return 0;
}
