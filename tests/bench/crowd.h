// Crowd: peers that a scenario opens together.
//
// Owner:  a scenario.
// Thread: the only one.
// Bounds: kOpening connections that are not ready yet at a time.
#ifndef CAIRN_TESTS_BENCH_CROWD_H_
#define CAIRN_TESTS_BENCH_CROWD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/peer.h"
#include "tests/bench/poller.h"

namespace cairn::bench {

// 64 hexadecimal digits, as clients derive them from their rendezvous; the same for the same
// arguments.
std::string TopicName(uint64_t group, uint64_t number);

class Crowd final : public PeerListener {
 public:
  using RelayHandler = std::function<void(Peer&, const ReceivedRelay&)>;

  // Peers are dealt to `ports` in turn.
  Crowd(Poller& poller, std::vector<uint16_t> ports, RelayHandler on_relay);

  // A peer; its index is the number of peers added before it.
  void Add(std::vector<std::string> topics, bool reset_on_close = true);
  // Connects the peers that are not connected. False, after a message on stderr: not all became
  // ready.
  bool Open();

  size_t size() const { return peers_.size(); }
  Peer& operator[](size_t index) { return *peers_[index]; }
  // How many have been lost.
  uint64_t lost() const { return lost_; }

  // ---- PeerListener
  void OnReady(Peer& peer) override;
  void OnRelay(Peer& peer, const ReceivedRelay& relay) override { on_relay_(peer, relay); }
  void OnLost(Peer& peer, const char* why) override;

 private:
  static constexpr size_t kOpening = 64;

  void ConnectMore();

  // Borrowed; must outlive this.
  Poller& poller_;
  // Immutable after construction.
  const std::vector<uint16_t> ports_;
  const RelayHandler on_relay_;
  std::vector<std::unique_ptr<Peer>> peers_;
  size_t begun_ = 0;
  size_t ready_ = 0;
  uint64_t lost_ = 0;
};

// Calls `greet` again and again until `heard`: a subscription in force can be told by its messages
// alone. False, which has been said on stderr: somebody is not heard.
bool Introduce(Poller& poller, const std::function<void()>& greet,
               const std::function<bool()>& heard);

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_CROWD_H_
