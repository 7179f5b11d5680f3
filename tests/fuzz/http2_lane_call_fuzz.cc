// Fuzzes Http2LaneCall: whatever an edge sends, the same bytes, whole and in pieces, give the same
// messages, and what is written and kept is bounded by what came.
//
// Input: 1 byte that chooses the cuts and the beginning, then what the edge sends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/http2_frames.h"
#include "core/http2_lane_call.h"
#include "signaling/v1/lane.pb.h"
#include "tests/fuzz/checked_call.h"

namespace {

using cairn::CheckedCall;
using cairn::Require;
using cairn::core::Http2LaneCall;
namespace http2 = cairn::core::http2;

// Literals that enter no table.
std::string Field(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  field += static_cast<char>(name.size());
  field += name;
  field += static_cast<char>(value.size());
  return field.append(value);
}

// What every edge begins with: without it most inputs would end at the preface.
std::string Opening() {
  return std::string(http2::kPreface) + http2::Frame(http2::kSettings, 0, 0, "") +
         http2::Frame(http2::kHeaders, http2::kEndHeaders, 1,
                      Field(":method", "POST") + Field(":scheme", "http") +
                          Field(":path", cairn::link::kLaneCall) + Field(":authority", "core"));
}

class CoresCall {
 public:
  CoresCall() : checked_(Options(), absl::ZeroDuration()) {}

  void Take(std::string_view piece) {
    if (!call().ended()) checked_.Receive(piece);
  }
  void End() {
    if (call().ended()) return;
    if (call().CanSend()) Send();
    call().Finish(0, "");
    Require(!call().CanSend(), "nothing is sent after the end");
    Require(!call().NextMessage(), "nothing is read after the end");
    checked_.Write();
  }
  const std::vector<std::string>& messages() const { return checked_.messages(); }

 private:
  static Http2LaneCall::Options Options() {
    return {.max_message_bytes = CheckedCall<Http2LaneCall>::kMaxMessageBytes,
            .ping_interval = absl::Seconds(5),
            .ping_timeout = absl::Seconds(5)};
  }

  Http2LaneCall& call() { return checked_.call(); }
  void Send() {
    cairn::signaling::v1::CoreToLane message;
    message.set_number(1);
    std::string bytes;
    cairn::link::AppendGrpcMessage(message, bytes);
    call().Send(bytes);
  }

  CheckedCall<Http2LaneCall> checked_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string input = data[0] % 4 == 0 ? std::string() : Opening();
  input.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  CoresCall whole, parts;
  whole.Take(input);
  std::minstd_rand random(data[0] + 1u);
  for (std::string_view rest = input; !rest.empty();) {
    const size_t piece = std::min<size_t>(1 + random() % (data[0] + 1u), rest.size());
    parts.Take(rest.substr(0, piece));
    rest.remove_prefix(piece);
  }
  // Both have taken what came before an error; the whole may have been given up in one go.
  const size_t both = std::min(whole.messages().size(), parts.messages().size());
  for (size_t i = 0; i < both; ++i)
    Require(whole.messages()[i] == parts.messages()[i], "cuts make no difference");
  whole.End();
  parts.End();
  return 0;
}
