// Fuzzes Http2Call: whatever a server sends, the same bytes, whole and in pieces, give the same
// messages and the same end, and what is written is bounded by what came.
//
// Input: 1 byte that chooses the cuts, then the server's bytes.
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "edge/http2_call.h"
#include "signaling/v1/lane.pb.h"
#include "tests/fuzz/checked_call.h"

namespace {

using cairn::CheckedCall;
using cairn::Require;
using cairn::edge::Http2Call;

Http2Call::Options CallOptions() {
  Http2Call::Options options;
  options.authority = "core";
  options.path = "/cairn.signaling.v1.Lanes/Open";
  options.user_agent = "fuzz";
  options.max_message_bytes = CheckedCall<Http2Call>::kMaxMessageBytes;
  options.ping_interval = absl::Seconds(3);
  options.ping_timeout = absl::Seconds(5);
  return options;
}

void SendOneMessage(Http2Call& call) {
  cairn::signaling::v1::LaneToCore message;
  message.set_number(1);
  std::string bytes;
  cairn::link::AppendGrpcMessage(message, bytes);
  call.Send(bytes);
}

// A call that has sent its first message, and sends another after each piece.
class EdgesCall {
 public:
  EdgesCall() : checked_(CallOptions()) {
    call().Connected(absl::ZeroDuration());
    SendOneMessage(call());
    checked_.Write();
  }

  void Take(std::string_view piece) {
    if (ended()) return;
    checked_.Receive(piece);
    if (ended()) Require(!call().CanSend(), "nothing is sent after the end");
    if (call().CanSend()) SendOneMessage(call());
    checked_.Write();
  }
  const std::vector<std::string>& messages() const { return checked_.messages(); }
  bool ended() const { return checked_.call().end().has_value(); }
  // nghttp2 1.52 counts each piece of a CONTINUATION frame's head as one.
  bool miscounted() const {
    return ended() && checked_.call().end()->message.find("CONTINUATION") != std::string::npos;
  }

 private:
  Http2Call& call() { return checked_.call(); }

  CheckedCall<Http2Call> checked_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::minstd_rand random(data[0] + 1u);
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  EdgesCall whole;
  whole.Take(stream);

  EdgesCall cut;
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
