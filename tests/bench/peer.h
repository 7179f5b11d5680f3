// Peer: one WebSocket client of the server under test.
//
// Connects, upgrades, subscribes to its topics, and is ready when the pong to a ping sent behind
// them has come: the edge has its subscriptions then (a core elsewhere may not yet). An eager one
// is ready as soon as it is let in, its subscriptions on their way.
//
// Owner:  a scenario.
// Thread: the only one.
// Errors: PeerListener::OnLost(), once; it does not connect again.
#ifndef CAIRN_TESTS_BENCH_PEER_H_
#define CAIRN_TESTS_BENCH_PEER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "tests/bench/frame_reader.h"
#include "tests/bench/poller.h"
#include "tests/bench/relay_reader.h"

namespace cairn::bench {

class Peer;

class PeerListener {
 public:
  virtual void OnReady(Peer& peer) = 0;
  virtual void OnRelay(Peer& peer, const ReceivedRelay& relay) = 0;
  // cairn.signal.v2: everything but a Relay. `message` is canonical CBOR, or what claims to be.
  virtual void OnV2Message(Peer&, std::string_view /*message*/) {}
  // `why` is a literal.
  virtual void OnLost(Peer& peer, const char* why) = 0;

 protected:
  ~PeerListener() = default;
};

struct PeerConfig {
  uint32_t index = 0;
  uint16_t port = 0;  // on 127.0.0.1
  std::vector<std::string> topics;
  // Closing sends a reset, which leaves nothing behind in the kernel; else a FIN.
  bool reset_on_close = true;
  bool eager = false;
  bool v2 = false;  // offers cairn.signal.v2
};

class Peer final : public Pollable {
 public:
  Peer(Poller& poller, PeerListener& listener, PeerConfig config);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void Connect();
  // Leaves with the next flush. REQUIRES: ready.
  void SendRelay(std::string_view topic, std::string_view payload);
  // Disconnects. Its callbacks are not called any more.
  void Close();

  uint32_t index() const { return config_.index; }
  const std::vector<std::string>& topics() const { return config_.topics; }
  bool lost() const { return state_ == State::kLost; }

  // ---- from the poller
  void OnReady(uint32_t epoll_events) override;
  void Flush() override;

 private:
  enum class State : uint8_t { kIdle, kConnecting, kUpgrading, kOpen, kReady, kLost };

  void Read();
  // Takes the complete messages from the front of `in`.
  void OnBytes(std::string_view& in);
  bool TakeUpgradeAnswer(std::string_view& in);
  void OnFrame(const Frame& frame);
  void Send(uint8_t opcode, std::string_view body);
  void Watch(bool writable);
  void Lose(const char* why);

  // Immutable after construction. Borrowed; must outlive this.
  Poller& poller_;
  PeerListener& listener_;
  const PeerConfig config_;

  UniqueFd fd_;
  State state_ = State::kIdle;
  bool watching_writable_ = false;
  std::string partial_;  // the beginning of what has not come whole
  std::string out_;
  size_t out_sent_ = 0;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_PEER_H_
