// FakeClient: a connection without a socket, which records the calls of its session and lane.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_CLIENT_H_
#define CAIRN_TESTS_SUPPORT_FAKE_CLIENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/client.h"

namespace cairn::edge {

class FakeClient final : public Client {
 public:
  void Deliver(std::string_view together) override {
    ++calls;
    while (!together.empty()) frames.emplace_back(wire::TakeWsFrame(together));
  }
  void Charge(uint64_t deliveries) override { charged += deliveries; }
  void Pong(std::string_view payload) override { pongs_sent.emplace_back(payload); }
  void OnPong(std::string_view payload) override { pongs_received.emplace_back(payload); }
  void Close(CloseReason reason, uint16_t peer_code) override {
    ++close_calls;
    if (closed) return;
    closed = reason;
    closed_with_peer_code = peer_code;
  }
  void Disconnect(uint16_t code, std::string_view words) override {
    disconnects.emplace_back(code, std::string(words));
  }
  size_t queued_bytes() const override { return queued; }

  std::vector<std::string> frames;
  int calls = 0;  // of Deliver()
  std::vector<std::string> pongs_sent;
  std::vector<std::string> pongs_received;
  std::vector<std::pair<uint16_t, std::string>> disconnects;
  std::optional<CloseReason> closed;
  uint16_t closed_with_peer_code = 0;
  int close_calls = 0;
  uint64_t charged = 0;
  size_t queued = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_FAKE_CLIENT_H_
