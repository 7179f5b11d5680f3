// The core's end of a lane's call, against the edge's own, and against frames that no edge sends.
#include "core/http2_lane_call.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/http2_frames.h"
#include "edge/http2_call.h"
#include "signaling/v1/lane.pb.h"
#include "tests/support/http2_peer.h"

namespace cairn::core {
namespace {

using edge::Http2Call;
using edge::Http2Peer;
using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

constexpr size_t kMaxMessage = 600 << 10;

Http2LaneCall::Options CoreOptions() { return {kMaxMessage, absl::Seconds(5), absl::Seconds(5)}; }

Http2Call::Options EdgeOptions() {
  Http2Call::Options options;
  options.authority = "core";
  options.path = std::string(link::kLaneCall);
  options.user_agent = "cairn-signal/test";
  options.max_message_bytes = kMaxMessage;
  options.ping_interval = absl::Seconds(30);
  options.ping_timeout = absl::Seconds(5);
  return options;
}

template <typename Message>
Message MessageOf(size_t bytes) {
  Message message;
  message.set_part(std::string(bytes, 'm'));
  return message;
}

class Http2LaneCallTest : public testing::Test {
 protected:
  Http2LaneCallTest() : edge_(EdgeOptions()), core_(CoreOptions(), now_) { edge_.Connected(now_); }

  void SendFromCore(const CoreToLane& message) {
    std::string bytes;
    link::AppendGrpcMessage(message, bytes);
    core_.Send(bytes);
  }
  void SendFromEdge(const LaneToCore& message) {
    std::string bytes;
    link::AppendGrpcMessage(message, bytes);
    edge_.Send(bytes);
  }
  // Until neither has anything to say; in pieces of so many bytes. The core takes its messages, or
  // leaves them.
  void Exchange(size_t piece = 1 << 20, bool taking = true) {
    bool more = true;
    while (more) {
      std::string from_edge, from_core;
      edge_.AppendOutput(from_edge, 64 << 10);
      for (size_t at = 0; at < from_edge.size(); at += piece) {
        core_.Receive(std::string_view(from_edge).substr(at, piece), now_);
        if (taking) TakeAtCore();
      }
      core_.AppendOutput(from_core, 64 << 10);
      for (size_t at = 0; at < from_core.size(); at += piece) {
        edge_.Receive(std::string_view(from_core).substr(at, piece), now_);
        while (const auto message = edge_.NextMessage()) at_edge_.emplace_back(*message);
      }
      more = !from_edge.empty() || !from_core.empty();
    }
  }
  void TakeAtCore() {
    while (const auto message = core_.NextMessage()) at_core_.emplace_back(*message);
  }
  void Pass(absl::Duration time) {
    now_ += time;
    core_.OnTime(now_);
  }

  absl::Duration now_ = absl::Hours(1);
  Http2Call edge_;
  Http2LaneCall core_;
  std::vector<std::string> at_core_, at_edge_;
};

TEST_F(Http2LaneCallTest, MessagesGoBothWaysHoweverTheyAreCut) {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1} << 20}) {
    at_core_.clear();
    at_edge_.clear();
    SendFromEdge(MessageOf<LaneToCore>(300));
    Exchange(piece);
    ASSERT_TRUE(core_.CanSend());
    SendFromCore(MessageOf<CoreToLane>(300));
    Exchange(piece);
    EXPECT_EQ(at_core_, std::vector{MessageOf<LaneToCore>(300).SerializeAsString()});
    EXPECT_EQ(at_edge_, std::vector{MessageOf<CoreToLane>(300).SerializeAsString()});
  }
  EXPECT_FALSE(core_.ended());
  EXPECT_FALSE(edge_.end());
}

TEST_F(Http2LaneCallTest, MessagesOfTheLargestSizeGoBothWays) {
  for (int i = 0; i < 5; ++i) {
    SendFromEdge(MessageOf<LaneToCore>(512 << 10));
    Exchange();
    SendFromCore(MessageOf<CoreToLane>(512 << 10));
    Exchange();
  }
  EXPECT_EQ(at_core_.size(), 5u);
  EXPECT_EQ(at_edge_.size(), 5u);
}

TEST_F(Http2LaneCallTest, MessagesThatAreNotTakenCloseTheWindow) {
  size_t sent = 0;
  while (sent < 10 && edge_.CanSend()) {
    SendFromEdge(MessageOf<LaneToCore>(400 << 10));
    ++sent;
    Exchange(1 << 20, /*taking=*/false);
  }
  EXPECT_EQ(sent, 3u);
  EXPECT_FALSE(edge_.CanSend());
  TakeAtCore();
  EXPECT_EQ(at_core_.size(), 2u);
  Exchange();
  EXPECT_EQ(at_core_.size(), 3u);
  EXPECT_TRUE(edge_.CanSend());
}

TEST_F(Http2LaneCallTest, ASmallMessageIsAnsweredByNothing) {
  SendFromEdge(MessageOf<LaneToCore>(300));
  Exchange();
  SendFromEdge(MessageOf<LaneToCore>(300));
  std::string from_edge, from_core;
  edge_.AppendOutput(from_edge, 64 << 10);
  core_.Receive(from_edge, now_);
  TakeAtCore();
  EXPECT_EQ(at_core_.size(), 2u);
  core_.AppendOutput(from_core, 64 << 10);
  EXPECT_EQ(from_core, "");
}

TEST_F(Http2LaneCallTest, TheStatusComesAfterWhatWasSent) {
  Exchange();
  SendFromCore(MessageOf<CoreToLane>(100 << 10));
  core_.Finish(7, "not here: 100 %, \xc3\xa9\n");
  EXPECT_FALSE(core_.CanSend());
  EXPECT_FALSE(core_.finished());
  Exchange();
  EXPECT_TRUE(core_.finished());
  EXPECT_EQ(at_edge_.size(), 1u);
  ASSERT_TRUE(edge_.end());
  EXPECT_EQ(edge_.end()->code, 7);
  EXPECT_EQ(edge_.end()->message, "not here: 100 %, \xc3\xa9\n");
}

TEST_F(Http2LaneCallTest, AnEdgeThatCancelsEndsTheCall) {
  SendFromEdge(MessageOf<LaneToCore>(300));
  Exchange();
  edge_.Cancel();
  Exchange();
  EXPECT_TRUE(core_.ended());
  EXPECT_FALSE(core_.broken());
}

TEST_F(Http2LaneCallTest, ASilentEdgeIsAskedForAnAnswerAndThenGivenUp) {
  Exchange();
  Pass(absl::Seconds(4));
  std::string output;
  core_.AppendOutput(output, 1 << 10);
  EXPECT_EQ(output, "");
  Pass(absl::Seconds(1));
  core_.AppendOutput(output, 1 << 10);
  EXPECT_EQ(output.size(), 17u);  // a PING
  Pass(absl::Seconds(4));
  EXPECT_FALSE(core_.ended());
  Pass(absl::Seconds(1));
  EXPECT_TRUE(core_.ended());
}

TEST_F(Http2LaneCallTest, AnEdgeThatAnswersAPingStays) {
  for (int i = 0; i < 10; ++i) {
    Exchange();
    Pass(absl::Seconds(5));
  }
  EXPECT_FALSE(core_.ended());
}

// ---- what no edge sends

class StrangeEdgeTest : public testing::Test {
 protected:
  StrangeEdgeTest() : core_(CoreOptions(), absl::ZeroDuration()) {
    Receive(std::string(http2::kPreface) + Http2Peer::Frame(Http2Peer::kSettings, 0, 0, ""));
    Receive(Request(1));
  }
  static std::string Request(uint32_t stream) {
    return Http2Peer::Frame(Http2Peer::kHeaders, Http2Peer::kEndHeaders, stream,
                            Http2Peer::HeaderBlock({{":method", "POST"},
                                                    {":scheme", "http"},
                                                    {":path", std::string(link::kLaneCall)},
                                                    {":authority", "core"},
                                                    {"te", "trailers"},
                                                    {"content-type", "application/grpc"}}));
  }
  // The type of each frame that it is answered by.
  std::vector<int> Receive(const std::string& bytes) {
    core_.Receive(bytes, absl::ZeroDuration());
    while (const auto message = core_.NextMessage()) messages_.emplace_back(*message);
    std::string output;
    core_.AppendOutput(output, 1 << 20);
    std::vector<int> types;
    for (size_t at = 0; at + 9 <= output.size();) {
      types.push_back(output[at + 3]);
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(output[at + i]); };
      at += 9 + (size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2));
    }
    output_ = output;
    return types;
  }

  Http2LaneCall core_;
  std::vector<std::string> messages_;
  std::string output_;
};

TEST_F(StrangeEdgeTest, FurtherRequestsAreRefusedAndTheCallGoesOn) {
  EXPECT_EQ(Receive(Request(3)), std::vector<int>{Http2Peer::kReset});
  EXPECT_EQ(output_.substr(9), Http2Peer::Number(7));  // REFUSED_STREAM
  Receive(Http2Peer::Data(Http2Peer::Message("abc")));
  EXPECT_EQ(messages_, std::vector<std::string>{"abc"});
  EXPECT_FALSE(core_.ended());
  EXPECT_FALSE(core_.broken());
}

TEST_F(StrangeEdgeTest, AnswersThatAreNotReadDoNotPileUp) {
  for (uint32_t stream = 3; stream < 5000 && !core_.ended(); stream += 2)
    core_.Receive(Request(stream), absl::ZeroDuration());
  EXPECT_TRUE(core_.ended());
  EXPECT_TRUE(core_.broken());
}

TEST_F(StrangeEdgeTest, AnEndOfItsMessagesIsSeenAfterThem) {
  Receive(Http2Peer::Frame(Http2Peer::kData, Http2Peer::kEndStream, 1, Http2Peer::Message("abc")));
  EXPECT_EQ(messages_, std::vector<std::string>{"abc"});
  EXPECT_TRUE(core_.peer_done());
  EXPECT_FALSE(core_.ended());
  core_.Finish(0, "");
  EXPECT_EQ(Receive(""), (std::vector<int>{Http2Peer::kHeaders, Http2Peer::kGoaway}));
  EXPECT_FALSE(core_.broken());
}

TEST_F(StrangeEdgeTest, ACompressedMessageEndsTheCall) {
  Receive(Http2Peer::Data(Http2Peer::Message("abc", 1)));
  Receive("");
  EXPECT_TRUE(core_.finished());
  EXPECT_TRUE(core_.broken());
}

TEST_F(StrangeEdgeTest, AMessageAboveTheBoundEndsTheCallBeforeItsBytesCome) {
  Receive(Http2Peer::Data(std::string("\0\x7f\xff\xff\xff", 5)));
  Receive("");
  EXPECT_TRUE(core_.finished());
  EXPECT_TRUE(core_.broken());
}

TEST_F(StrangeEdgeTest, BytesThatAreNotHttp2EndTheCall) {
  Receive(std::string(100, '\xff'));
  EXPECT_TRUE(core_.ended());
  EXPECT_TRUE(core_.broken());
}

TEST_F(StrangeEdgeTest, DataAboveTheWindowEndsTheCall) {
  const std::string frame = Http2Peer::Data(std::string(16 << 10, 'm'));
  core_.Receive(Http2Peer::Data(std::string("\0\0\x09\0\0", 5)), absl::ZeroDuration());
  for (int i = 0; i < 100 && !core_.ended(); ++i) {
    core_.Receive(frame, absl::ZeroDuration());
    std::string output;
    core_.AppendOutput(output, 1 << 20);
  }
  EXPECT_TRUE(core_.ended());
  EXPECT_TRUE(core_.broken());
}

}  // namespace
}  // namespace cairn::core
