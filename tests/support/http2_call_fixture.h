// Http2CallTest: an Http2Call whose connection is established, and the HTTP/2 peer at its other
// end.
#ifndef CAIRN_TESTS_SUPPORT_HTTP2_CALL_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_HTTP2_CALL_FIXTURE_H_

#include <absl/status/status.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "edge/http2_call.h"
#include "tests/support/http2_peer.h"

namespace cairn::edge {

class Http2CallTest : public testing::Test {
 protected:
  static constexpr size_t kMaxMessage = 128 << 10;

  static Http2Call::Options CallOptions() {
    Http2Call::Options options;
    options.authority = "core.example:7443";
    options.path = "/cairn.signaling.v1.Lanes/Open";
    options.user_agent = "cairn-signal/test";
    options.authorization = "Bearer secret";
    options.max_message_bytes = kMaxMessage;
    options.ping_interval = absl::Seconds(3);
    options.ping_timeout = absl::Seconds(5);
    return options;
  }

  Http2CallTest() : call_(CallOptions()) {
    call_.Connected(now_);
    Exchange();
    Receive(Http2Peer::Settings());
  }

  // The peer reads everything that the call writes.
  void Exchange() {
    std::string output;
    do {
      output.clear();
      call_.AppendOutput(output, 1 << 16);
      peer_.Read(output);
    } while (!output.empty());
  }
  // The call reads these bytes; the messages in them are collected.
  void Receive(const std::string& bytes) {
    call_.Receive(bytes, now_);
    Collect();
    Exchange();
  }
  void ReceiveByteByByte(const std::string& bytes) {
    for (const char byte : bytes) Receive(std::string(1, byte));
  }
  void Collect() {
    while (const auto message = call_.NextMessage()) messages_.emplace_back(*message);
  }
  void Pass(absl::Duration time) {
    now_ += time;
    call_.OnTime(now_);
    Exchange();
  }
  std::optional<absl::StatusCode> code() const {
    if (!call_.end()) return std::nullopt;
    return static_cast<absl::StatusCode>(call_.end()->code);
  }
  std::string end_message() const { return call_.end() ? call_.end()->message : "not ended"; }

  absl::Duration now_ = absl::Hours(1);
  Http2Call call_;
  Http2Peer peer_;
  std::vector<std::string> messages_;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_HTTP2_CALL_FIXTURE_H_
