// What reading and writing one message costs, without sockets.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <span>
#include <string>

#include "base/check.h"
#include "proto/wire/message_reader.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/ws_decoder.h"
#include "proto/wire/ws_encoder.h"
#include "signaling/v1/lane.pb.h"
#include "tests/bench/allocation_count.h"
#include "tests/bench/micro_message.h"

namespace cairn::bench {
namespace {

void Read(benchmark::State& state, const std::string& message) {
  wire::MessageReader reader;
  CAIRN_CHECK(reader.Read(message).message.topic == kMicroTopic);
  const PerMessage report(state, 1);
  for (auto _ : state) benchmark::DoNotOptimize(reader.Read(message));
}

void ReadCanonical(benchmark::State& state) { Read(state, CanonicalRelay()); }
BENCHMARK(ReadCanonical);

// {"Relay": {"payload": …, "topic": …}}
void ReadFieldsSwapped(benchmark::State& state) {
  const std::string payload =
      "\x67payload\x58" + std::string(1, static_cast<char>(kMicroPayload.size())) + kMicroPayload;
  Read(state, "\xa1\x65Relay\xa2" + payload + "\x65topic\x78\x40" + kMicroTopic);
}
BENCHMARK(ReadFieldsSwapped);

// The payload as an array of 200 integers, which some encoders make of bytes.
void ReadPayloadAsArray(benchmark::State& state) {
  std::string array = "\x98" + std::string(1, static_cast<char>(kMicroPayload.size()));
  for (const char byte : kMicroPayload) array += {'\x18', byte};
  Read(state, "\xa1\x65Relay\xa2\x65topic\x78\x40" + kMicroTopic + "\x67payload" + array);
}
BENCHMARK(ReadPayloadAsArray);

// Argument: frames that came in one read.
void DecodeFrames(benchmark::State& state) {
  // Unmasking twice restores it: the bytes can be used again.
  std::string frames = MaskedFrames(CanonicalRelay(), static_cast<size_t>(state.range(0)));
  wire::WsDecoder decoder(64 << 10);
  const PerMessage report(state, state.range(0));
  for (auto _ : state) {
    std::span<char> in(frames.data(), frames.size());
    while (decoder.Next(in).type == wire::WsDecoder::EventType::kBinary) benchmark::ClobberMemory();
  }
}
BENCHMARK(DecodeFrames)->Arg(1)->Arg(16);

void AppendRelayFrame(benchmark::State& state) {
  std::string frame;
  wire::AppendRelay(kMicroTopic, kMicroPayload, frame);
  const PerMessage report(state, 1);
  for (auto _ : state) {
    frame.clear();
    const size_t bytes = wire::RelaySize(kMicroTopic, kMicroPayload);
    frame.resize(wire::WsHeaderSize(bytes) + bytes);
    char* const payload = wire::WriteWsHeader(wire::WsOpcode::kBinary, bytes, frame.data());
    wire::WriteRelay(kMicroTopic, kMicroPayload, payload);
    benchmark::DoNotOptimize(frame.data());
  }
}
BENCHMARK(AppendRelayFrame);

// What Protocol Buffers take of a relay's way from an edge to the core. Argument: relays in one
// message.
void SerializeLaneMessage(benchmark::State& state) {
  signaling::v1::LaneToCore message;
  for (int64_t i = 0; i < state.range(0); ++i) {
    signaling::v1::LaneEvent* event = message.add_events();
    event->set_kind(signaling::v1::LaneEvent::KIND_RELAYED);
    event->set_peer(uint64_t{1} << 60);
    event->set_topic(kMicroTopic);
    event->set_payload(kMicroPayload);
    event->set_seq(1'000'000);
  }
  std::string bytes = message.SerializeAsString();
  signaling::v1::LaneToCore parsed;
  const PerMessage report(state, state.range(0));
  for (auto _ : state) {
    message.SerializeToString(&bytes);
    parsed.ParseFromString(bytes);
    benchmark::DoNotOptimize(parsed);
  }
}
BENCHMARK(SerializeLaneMessage)->Name("SerializeAndParseLaneMessage")->Arg(1)->Arg(16);

}  // namespace
}  // namespace cairn::bench
