#include "edge/http2_call.h"

#include <absl/status/status.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "signaling/v1/lane.pb.h"
#include "tests/support/http2_call_fixture.h"
#include "tests/support/http2_peer.h"

namespace cairn::edge {
namespace {

using absl::StatusCode;
using signaling::v1::LaneToCore;

LaneToCore MessageOf(size_t bytes) {
  LaneToCore message;
  message.set_part(std::string(bytes, 'm'));
  return message;
}

void Send(Http2Call& call, const LaneToCore& message) {
  std::string bytes;
  link::AppendGrpcMessage(message, bytes);
  call.Send(bytes);
}

// ---- the request

TEST_F(Http2CallTest, RequestHasEveryHeaderOfGrpc) {
  EXPECT_EQ(peer_.request[":method"], "POST");
  EXPECT_EQ(peer_.request[":scheme"], "http");
  EXPECT_EQ(peer_.request[":path"], "/cairn.signaling.v1.Lanes/Open");
  EXPECT_EQ(peer_.request[":authority"], "core.example:7443");
  EXPECT_EQ(peer_.request["te"], "trailers");
  EXPECT_EQ(peer_.request["content-type"], "application/grpc");
  EXPECT_EQ(peer_.request["user-agent"], "cairn-signal/test");
  EXPECT_EQ(peer_.request["authorization"], "Bearer secret");
  EXPECT_EQ(peer_.settings[NGHTTP2_SETTINGS_ENABLE_PUSH], 0u);
  EXPECT_EQ(peer_.settings[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE], Http2Call::kMaxHeaderListBytes);
  EXPECT_EQ(peer_.invalid, 0);
}

TEST_F(Http2CallTest, RequestWithoutTokenHasNoAuthorization) {
  Http2Call::Options options = CallOptions();
  options.authorization.clear();
  Http2Call call(options);
  Http2Peer peer;
  std::string output;
  call.AppendOutput(output, 1 << 16);
  peer.Read(output);
  EXPECT_EQ(peer.request.count("authorization"), 0u);
  EXPECT_EQ(peer.request["te"], "trailers");
}

TEST_F(Http2CallTest, EstablishedOnceThePeersSettingsHaveCome) {
  Http2Call call(CallOptions());
  EXPECT_FALSE(call.established());
  call.Receive(Http2Peer::Settings(), now_);
  EXPECT_TRUE(call.established());
}

// ---- sending

TEST_F(Http2CallTest, MessageIsSentBehindItsLength) {
  const LaneToCore message = MessageOf(100);
  Send(call_, message);
  EXPECT_FALSE(call_.CanSend());
  Exchange();
  EXPECT_TRUE(call_.CanSend());
  EXPECT_EQ(peer_.data, Http2Peer::Message(message.SerializeAsString()));
}

TEST_F(Http2CallTest, EmptyMessageIsSentAsFiveBytes) {
  Send(call_, LaneToCore());
  Exchange();
  EXPECT_EQ(peer_.data, std::string(5, '\0'));
}

TEST_F(Http2CallTest, MessageSentBeforeThereIsAConnectionGoesWithTheRequest) {
  Http2Call call(CallOptions());
  EXPECT_TRUE(call.CanSend());
  Send(call, MessageOf(10));
  EXPECT_FALSE(call.CanSend());
  Http2Peer peer;
  std::string output;
  call.AppendOutput(output, 1 << 16);
  peer.Read(output);
  EXPECT_EQ(peer.data, Http2Peer::Message(MessageOf(10).SerializeAsString()));
  EXPECT_TRUE(call.CanSend());
}

TEST_F(Http2CallTest, MessageWaitsForThePeersWindow) {
  const LaneToCore message = MessageOf(100'000);
  Send(call_, message);
  Exchange();
  // What HTTP/2 begins with.
  EXPECT_EQ(peer_.data.size(), 65'535u);
  EXPECT_FALSE(call_.CanSend());
  const std::string more = Http2Peer::Number(100'000);
  Receive(Http2Peer::Frame(Http2Peer::kWindow, 0, 0, more));
  EXPECT_FALSE(call_.CanSend());
  Receive(Http2Peer::Frame(Http2Peer::kWindow, 0, 1, more));
  EXPECT_TRUE(call_.CanSend());
  EXPECT_EQ(peer_.data, Http2Peer::Message(message.SerializeAsString()));
}

// ---- receiving

TEST_F(Http2CallTest, MessagesAreWholeForEverySplitOfTheBytes) {
  const std::string large(1000, 'x');
  std::string bytes = Http2Peer::Response();
  bytes += Http2Peer::Data(Http2Peer::Message("one") + Http2Peer::Message(""));
  // A message over several frames, and two frames that split a prefix.
  const std::string message = Http2Peer::Message(large);
  bytes += Http2Peer::Data(message.substr(0, 2));
  bytes += Http2Peer::Data("");
  bytes += Http2Peer::Data(message.substr(2, 500));
  bytes += Http2Peer::Data(message.substr(502) + Http2Peer::Message("last").substr(0, 6));
  bytes += Http2Peer::Data(Http2Peer::Message("last").substr(6));
  bytes += Http2Peer::Trailers("0", "");
  ReceiveByteByByte(bytes);
  EXPECT_EQ(messages_, (std::vector<std::string>{"one", "", large, "last"}));
  EXPECT_EQ(code(), StatusCode::kOk);

  const std::vector<std::string> split = messages_;
  Http2Call whole(CallOptions());
  std::string output;
  whole.AppendOutput(output, 1 << 16);
  whole.Receive(Http2Peer::Settings() + bytes, now_);
  std::vector<std::string> messages;
  while (const auto one = whole.NextMessage()) messages.emplace_back(*one);
  EXPECT_EQ(messages, split);
}

TEST_F(Http2CallTest, LargestMessageIsTakenAndALargerOneEndsTheCall) {
  Receive(Http2Peer::Response());
  const std::string message = Http2Peer::Message(std::string(kMaxMessage, 'x'));
  for (size_t at = 0; at < message.size(); at += 16'000)
    Receive(Http2Peer::Data(message.substr(at, 16'000)));
  ASSERT_EQ(messages_.size(), 1u);
  EXPECT_FALSE(call_.end());
  // Its length is enough.
  Receive(Http2Peer::Data(Http2Peer::Message(std::string(kMaxMessage + 1, 'x')).substr(0, 5)));
  EXPECT_EQ(code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(messages_.size(), 1u);
}

TEST_F(Http2CallTest, LengthOfFourGigabytesIsRefused) {
  Receive(Http2Peer::Response());
  Receive(Http2Peer::Data(std::string("\0\xff\xff\xff\xff", 5)));
  EXPECT_EQ(code(), StatusCode::kResourceExhausted);
}

TEST_F(Http2CallTest, CompressedMessageIsRefused) {
  Receive(Http2Peer::Response());
  Receive(Http2Peer::Data(Http2Peer::Message("zip", 1)));
  EXPECT_EQ(code(), StatusCode::kInternal);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(Http2CallTest, WindowIsOpenedAgainBeforeHalfOfItIsUsed) {
  Receive(Http2Peer::Response());
  const std::string frame = Http2Peer::Data(Http2Peer::Message(std::string(16'000, 'x')));
  const int frames = Http2Call::kWindowBytes / 16'000 * 3;
  for (int i = 0; i < frames; ++i) {
    Receive(frame);
    ASSERT_FALSE(call_.end()) << end_message() << " after " << i;
  }
  EXPECT_EQ(messages_.size(), static_cast<size_t>(frames));
  const auto updates = std::count(peer_.types.begin(), peer_.types.end(), NGHTTP2_WINDOW_UPDATE);
  // At the start, and then one for the connection and one for the call each time.
  EXPECT_GE(updates, 1 + 2 * 5);
  EXPECT_LE(updates, 1 + 2 * 7);
}

// ---- time

TEST_F(Http2CallTest, PingIsSentWhenThePeerIsSilentAndEndsTheCallWhenItStaysSo) {
  Pass(absl::Seconds(2));
  EXPECT_EQ(peer_.pings, 0);
  Pass(absl::Seconds(1));
  EXPECT_EQ(peer_.pings, 1);
  EXPECT_EQ(call_.next_time(), now_ + absl::Seconds(5));
  Pass(absl::Milliseconds(4999));
  EXPECT_FALSE(call_.end());
  EXPECT_EQ(peer_.pings, 1);
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(code(), StatusCode::kUnavailable);
  EXPECT_EQ(end_message(), "no answer to a PING within 5s");
}

TEST_F(Http2CallTest, AnyInputAnswersAPing) {
  for (int i = 1; i <= 3; ++i) {
    Pass(absl::Seconds(3));
    EXPECT_EQ(peer_.pings, i);
    now_ += absl::Seconds(4);
    Receive(Http2Peer::Frame(Http2Peer::kPing, Http2Peer::kAck, 0, std::string(8, '\0')));
    EXPECT_EQ(call_.next_time(), now_ + absl::Seconds(3));
  }
  EXPECT_FALSE(call_.end());
}

TEST_F(Http2CallTest, PingOfThePeerIsAnswered) {
  Receive(Http2Peer::Frame(Http2Peer::kPing, 0, 0, "12345678"));
  EXPECT_EQ(peer_.ping_answers, 1);
}

TEST_F(Http2CallTest, FloodOfPingsThatAreNotTakenEndsTheCall) {
  const std::string ping = Http2Peer::Frame(Http2Peer::kPing, 0, 0, "12345678");
  for (int i = 0; i < 2000 && !call_.end(); ++i) call_.Receive(ping, now_);
  EXPECT_EQ(code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace cairn::edge
