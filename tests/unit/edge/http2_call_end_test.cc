// How an Http2Call ends, and with which code.
#include <absl/status/status.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/http2_call_fixture.h"
#include "tests/support/http2_peer.h"

namespace cairn::edge {
namespace {

using absl::StatusCode;

using Http2CallEnd = Http2CallTest;

TEST_F(Http2CallEnd, StatusComesFromTheTrailers) {
  Receive(Http2Peer::Response() + Http2Peer::Data(Http2Peer::Message("one")) +
          Http2Peer::Trailers("10", "the same lane opened a newer stream"));
  EXPECT_EQ(messages_.size(), 1u);
  EXPECT_EQ(code(), StatusCode::kAborted);
  EXPECT_EQ(end_message(), "the same lane opened a newer stream");
}

TEST_F(Http2CallEnd, AResponseMayConsistOfAStatusOnly) {
  Receive(Http2Peer::TrailersOnly("7", "no edge%3A caf%C3%A9%, %zz%4"));
  EXPECT_EQ(code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(end_message(), "no edge: caf\xc3\xa9%, %zz%4");
}

TEST_F(Http2CallEnd, EndWithoutAStatusIsAnError) {
  Receive(Http2Peer::Response() + Http2Peer::Frame(Http2Peer::kData, Http2Peer::kEndStream, 1, ""));
  EXPECT_EQ(code(), StatusCode::kInternal);
}

TEST_F(Http2CallEnd, StatusThatIsNoNumberIsUnknown) {
  Receive(Http2Peer::TrailersOnly("fine", ""));
  EXPECT_EQ(code(), StatusCode::kUnknown);
}

TEST_F(Http2CallEnd, HttpStatusOfAProxyBecomesACode) {
  const std::vector<std::pair<std::string, StatusCode>> codes = {
      {"400", StatusCode::kInternal},         {"401", StatusCode::kUnauthenticated},
      {"403", StatusCode::kPermissionDenied}, {"404", StatusCode::kUnimplemented},
      {"429", StatusCode::kUnavailable},      {"502", StatusCode::kUnavailable},
      {"503", StatusCode::kUnavailable},      {"504", StatusCode::kUnavailable},
      {"500", StatusCode::kUnknown},          {"302", StatusCode::kUnknown}};
  for (const auto& [status, expected] : codes) {
    Http2Call call(CallOptions());
    std::string output;
    call.AppendOutput(output, 1 << 16);
    call.Receive(Http2Peer::Settings() +
                     Http2Peer::HeadersFrame({{":status", status}, {"content-type", "text/html"}}),
                 now_);
    ASSERT_TRUE(call.end()) << status;
    EXPECT_EQ(static_cast<StatusCode>(call.end()->code), expected) << status;
  }
}

TEST_F(Http2CallEnd, ResponseThatIsNotGrpcEndsTheCall) {
  Receive(Http2Peer::HeadersFrame({{":status", "200"}, {"content-type", "text/html"}}));
  EXPECT_EQ(code(), StatusCode::kUnknown);
}

TEST_F(Http2CallEnd, ResetBecomesACode) {
  const std::vector<std::pair<uint32_t, StatusCode>> codes = {
      {NGHTTP2_REFUSED_STREAM, StatusCode::kUnavailable},
      {NGHTTP2_CANCEL, StatusCode::kCancelled},
      {NGHTTP2_ENHANCE_YOUR_CALM, StatusCode::kResourceExhausted},
      {NGHTTP2_INADEQUATE_SECURITY, StatusCode::kPermissionDenied},
      {NGHTTP2_NO_ERROR, StatusCode::kInternal},
      {NGHTTP2_INTERNAL_ERROR, StatusCode::kInternal}};
  for (const auto& [error, expected] : codes) {
    Http2Call call(CallOptions());
    std::string output;
    call.AppendOutput(output, 1 << 16);
    call.Receive(
        Http2Peer::Settings() + Http2Peer::Frame(Http2Peer::kReset, 0, 1, Http2Peer::Number(error)),
        now_);
    ASSERT_TRUE(call.end()) << error;
    EXPECT_EQ(static_cast<StatusCode>(call.end()->code), expected) << error;
  }
}

TEST_F(Http2CallEnd, GoawayEndsTheCallAfterTheMessagesBeforeIt) {
  Receive(Http2Peer::Response());
  Receive(Http2Peer::Data(Http2Peer::Message("before")) + Http2Peer::Goaway(0, "going down") +
          Http2Peer::Data(Http2Peer::Message("after")));
  EXPECT_EQ(messages_, (std::vector<std::string>{"before", "after"}));
  EXPECT_EQ(code(), StatusCode::kUnavailable);
  EXPECT_EQ(end_message(), "GOAWAY: NO_ERROR: going down");
}

TEST_F(Http2CallEnd, StatusThatComesWithAGoawayWins) {
  Receive(Http2Peer::Goaway(0, "") + Http2Peer::TrailersOnly("14", "the core is shutting down"));
  EXPECT_EQ(end_message(), "the core is shutting down");
}

TEST_F(Http2CallEnd, HeadersAboveTheBoundEndTheCall) {
  Receive(Http2Peer::Response());
  EXPECT_FALSE(call_.end());
  Receive(
      Http2Peer::HeadersFrame({{"large", std::string(16'300, 'x')}, {"grpc-status", "0"}}, true));
  EXPECT_EQ(code(), StatusCode::kResourceExhausted);
}

TEST_F(Http2CallEnd, ManySmallHeadersAreBoundedTogether) {
  Http2Peer::Headers headers = {{":status", "200"}, {"content-type", "application/grpc"}};
  for (int i = 0; i < 400; ++i) headers.emplace_back("a", "b");
  Receive(Http2Peer::HeadersFrame(headers));
  EXPECT_FALSE(call_.end()) << end_message();
  headers.clear();
  for (int i = 0; i < 100; ++i) headers.emplace_back("a", "b");
  Receive(Http2Peer::HeadersFrame(headers, true));
  EXPECT_EQ(code(), StatusCode::kResourceExhausted);
}

TEST_F(Http2CallEnd, PushIsRefused) {
  Receive(Http2Peer::Frame(
      Http2Peer::kPush, Http2Peer::kEndHeaders, 1,
      Http2Peer::Number(2) + Http2Peer::HeaderBlock({{":method", "GET"}, {":path", "/"}})));
  EXPECT_EQ(code(), StatusCode::kUnavailable);
}

TEST_F(Http2CallEnd, InputThatIsNotHttp2EndsTheCall) {
  Http2Call call(CallOptions());
  std::string output;
  call.AppendOutput(output, 1 << 16);
  call.Receive("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", now_);
  call.AppendOutput(output, 1 << 20);
  ASSERT_TRUE(call.end());
  EXPECT_EQ(static_cast<StatusCode>(call.end()->code), StatusCode::kUnavailable);
}

TEST_F(Http2CallEnd, CancelledCallIsReset) {
  call_.Cancel();
  Exchange();
  EXPECT_EQ(peer_.reset, static_cast<uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(code(), StatusCode::kCancelled);
  EXPECT_FALSE(call_.CanSend());
}

}  // namespace
}  // namespace cairn::edge
