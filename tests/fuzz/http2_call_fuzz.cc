// Fuzzes Http2Call: whatever a server sends, the same bytes, whole and in pieces, give the same
// messages and the same end, and what is written is bounded by what came.
//
// Input: 1 byte that chooses the cuts, then the server's bytes.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/http2_call.h"
#include "signaling/v1/lane.pb.h"

namespace {

using cairn::edge::Http2Call;

constexpr size_t kMaxMessage = 64 << 10;
// Output that does not answer input.
constexpr size_t kOwnBytes = 4096;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

Http2Call::Options CallOptions() {
  Http2Call::Options options;
  options.authority = "core";
  options.path = "/cairn.signaling.v1.Lanes/Open";
  options.user_agent = "fuzz";
  options.max_message_bytes = kMaxMessage;
  options.ping_interval = absl::Seconds(3);
  options.ping_timeout = absl::Seconds(5);
  return options;
}

// A call that has sent its first message, and everything that must hold after each piece.
class Checked {
 public:
  Checked() : call_(CallOptions()) {
    call_.Connected(absl::ZeroDuration());
    call_.Send(OneMessage());
    Write();
  }

  void Take(std::string_view piece) {
    if (call_.end()) return;
    taken_ += piece.size();
    // A copy of exactly the size, so that a step beyond it is found.
    const std::vector<char> bytes(piece.begin(), piece.end());
    call_.Receive({bytes.data(), bytes.size()}, absl::ZeroDuration());
    while (const auto message = call_.NextMessage()) {
      Require(message->size() <= kMaxMessage, "messages within their bound");
      messages_.emplace_back(*message);
    }
    Write();
    if (call_.end()) Require(!call_.CanSend(), "nothing is sent after the end");
    if (call_.CanSend()) call_.Send(OneMessage());
    Write();
  }
  const std::vector<std::string>& messages() const { return messages_; }
  bool ended() const { return call_.end().has_value(); }
  // nghttp2 1.52 counts each piece of a CONTINUATION frame's head as one.
  bool miscounted() const {
    return ended() && call_.end()->message.find("CONTINUATION") != std::string::npos;
  }

 private:
  static cairn::signaling::v1::LaneToCore OneMessage() {
    cairn::signaling::v1::LaneToCore message;
    message.set_number(1);
    return message;
  }
  void Write() {
    std::string output;
    call_.AppendOutput(output, 1 << 20);
    written_ += output.size();
    // A frame of nine bytes is answered with as many and a few more; each piece by a message of
    // ours.
    Require(written_ <= kOwnBytes + 32 * taken_, "output within what came");
  }

  Http2Call call_;
  std::vector<std::string> messages_;
  size_t taken_ = 0;
  size_t written_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::minstd_rand random(data[0] + 1u);
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  Checked whole;
  whole.Take(stream);

  Checked cut;
  const size_t max_piece = size_t{1} << data[0] % 8;
  for (size_t at = 0; at < stream.size();) {
    const size_t bytes = random() % max_piece + 1;
    cut.Take(stream.substr(at, bytes));
    at += bytes;
  }
  // A GOAWAY ends the call where its piece ends, so that a whole one may have more.
  Require(cut.messages().size() <= whole.messages().size(), "no message from nowhere");
  for (size_t i = 0; i < cut.messages().size(); ++i)
    Require(cut.messages()[i] == whole.messages()[i], "the same messages however it is cut");
  Require(cut.ended() == whole.ended() || cut.miscounted(), "the same end however it is cut");
  return 0;
}
