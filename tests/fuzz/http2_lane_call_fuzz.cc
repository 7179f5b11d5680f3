// Fuzzes Http2LaneCall: whatever an edge sends, the same bytes, whole and in pieces, give the same
// messages, and what is written and kept is bounded by what came.
//
// Input: 1 byte that chooses the cuts and the beginning, then what the edge sends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/http2_frames.h"
#include "core/http2_lane_call.h"
#include "signaling/v1/lane.pb.h"

namespace {

using cairn::core::Http2LaneCall;
namespace http2 = cairn::core::http2;

constexpr size_t kMaxMessage = 64 << 10;
// What is written without being asked.
constexpr size_t kOwnBytes = 4096;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

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

// A call, and everything that must hold after each piece.
class Checked {
 public:
  Checked() : call_(Options(), absl::ZeroDuration()) {}

  void Take(std::string_view piece) {
    if (call_.ended()) return;
    taken_ += piece.size();
    // A copy of exactly the size, so that a step beyond it is found.
    const std::vector<char> bytes(piece.begin(), piece.end());
    call_.Receive({bytes.data(), bytes.size()}, absl::ZeroDuration());
    while (const auto message = call_.NextMessage()) {
      Require(message->size() <= kMaxMessage, "messages within their bound");
      messages_.emplace_back(*message);
    }
    Write();
  }
  void End() {
    if (call_.ended()) return;
    if (call_.CanSend()) Send();
    call_.Finish(0, "");
    Require(!call_.CanSend(), "nothing is sent after the end");
    Require(!call_.NextMessage(), "nothing is read after the end");
    Write();
  }
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  static Http2LaneCall::Options Options() {
    return {.max_message_bytes = kMaxMessage,
            .ping_interval = absl::Seconds(5),
            .ping_timeout = absl::Seconds(5)};
  }

  void Send() {
    cairn::signaling::v1::CoreToLane message;
    message.set_number(1);
    std::string bytes;
    cairn::link::AppendGrpcMessage(message, bytes);
    call_.Send(bytes);
  }
  void Write() {
    std::string output;
    call_.AppendOutput(output, 1 << 20);
    written_ += output.size();
    // A frame of nine bytes is answered with as many and a few more.
    Require(written_ <= kOwnBytes + 32 * taken_, "what is written is bounded by what came");
  }

  Http2LaneCall call_;
  std::vector<std::string> messages_;
  size_t taken_ = 0;
  size_t written_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string input = data[0] % 4 == 0 ? std::string() : Opening();
  input.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  Checked whole, parts;
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
