// EdgeEnd: an edge's end of a lane's connection, which a test moves by hand; it speaks the edge's
// own HTTP/2.
//
// Thread: the test's. Blocks for as long as a test waits for something, at most 20 s.
#ifndef CAIRN_TESTS_SUPPORT_EDGE_END_H_
#define CAIRN_TESTS_SUPPORT_EDGE_END_H_

#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "edge/http2_call.h"
#include "proto/link/identity.h"
#include "proto/link/protocol_version.h"

namespace cairn::core {

class EdgeEnd {
 public:
  explicit EdgeEnd(int fd) : fd_(fd), call_(Options()) { call_.Connected(absl::ZeroDuration()); }

  // Of the lane that each of them speaks for.
  static signaling::v1::LaneToCore Hello() {
    constexpr char kSecret[] = "sixteen bytes...";
    signaling::v1::LaneToCore message;
    message.mutable_hello()->set_protocol_version(link::kProtocolVersion);
    message.mutable_hello()->set_secret(kSecret);
    message.mutable_hello()->set_lane_id(link::LaneIdOf(kSecret));
    message.mutable_hello()->set_edge("edge-a");
    return message;
  }
  void Send(const signaling::v1::LaneToCore& message) { SendTogether({message}); }
  // By one write.
  void SendTogether(const std::vector<signaling::v1::LaneToCore>& sent) {
    std::string bytes;
    for (const signaling::v1::LaneToCore& message : sent) link::AppendGrpcMessage(message, bytes);
    call_.Send(bytes);
    Write();
  }
  // Only so many bytes of it, and nothing afterwards.
  void SendBeginning(const signaling::v1::LaneToCore& message, size_t bytes) {
    std::string all, output;
    link::AppendGrpcMessage(message, all);
    call_.Send(all);
    call_.AppendOutput(output, 1 << 20);
    EXPECT_EQ(send(fd_.get(), output.data(), bytes, MSG_NOSIGNAL), static_cast<ssize_t>(bytes));
    writes_ = false;
  }
  bool RunUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!condition()) {
      if (absl::Now() > deadline) return false;
      Write();
      pollfd polled = {fd_.get(), POLLIN, 0};
      if (poll(&polled, 1, 20) == 1) Read();
    }
    return true;
  }
  // The status of the call, once it has one.
  int Code() {
    RunUntil([this] { return call_.end().has_value(); });
    return call_.end() ? call_.end()->code : -1;
  }
  void RunFor(absl::Duration time) {
    const absl::Time end = absl::Now() + time;
    RunUntil([end] { return absl::Now() >= end; });
  }
  std::vector<signaling::v1::CoreToLane> messages;
  size_t received_bytes = 0;
  size_t reads = 0;
  bool closed = false;

 private:
  static edge::Http2Call::Options Options() {
    edge::Http2Call::Options options;
    options.authority = "core";
    options.path = std::string(link::kLaneCall);
    options.user_agent = "test";
    options.max_message_bytes = 1 << 20;
    options.ping_interval = options.ping_timeout = absl::Hours(1);
    return options;
  }
  void Write() {
    if (!writes_) return;
    std::string output;
    call_.AppendOutput(output, 1 << 20);
    // It fits into any socket's buffer.
    if (!output.empty() && send(fd_.get(), output.data(), output.size(), MSG_NOSIGNAL) < 0)
      closed = true;
  }
  void Read() {
    std::array<char, 4096> buffer;
    const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    closed = closed || size <= 0;
    if (size <= 0) return;
    received_bytes += static_cast<size_t>(size);
    ++reads;
    call_.Receive({buffer.data(), static_cast<size_t>(size)}, absl::ZeroDuration());
    while (const auto message = call_.NextMessage())
      messages.emplace_back().ParseFromArray(message->data(), static_cast<int>(message->size()));
  }

  UniqueFd fd_;
  edge::Http2Call call_;
  bool writes_ = true;
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_EDGE_END_H_
