// MeshNet: the bus between the cores of a run: loses, repeats and reorders messages, and can be
// partitioned.
//
// Owner:  MeshWorld.
#ifndef CAIRN_TESTS_SIM_MESH_NET_H_
#define CAIRN_TESTS_SIM_MESH_NET_H_

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/mesh_bus.h"
#include "tests/sim/core_host.h"
#include "tests/sim/random.h"
#include "tests/sim/timeline.h"

namespace cairn::sim {

class MeshNet {
 public:
  MeshNet(Timeline& timeline, Random& random);
  ~MeshNet();

  // In percent of messages.
  int lost = 0;
  int repeated = 0;
  Time max_delay = kMs;

  void AddHost(CoreHost& host) { hosts_.push_back(&host); }
  // The bus of the host's next incarnation.
  core::MeshBus& NewBus(size_t host);
  // Messages from one to the other are lost.
  void Part(size_t from, size_t to) { parted_.insert({from, to}); }
  void HealAll() { parted_.clear(); }
  bool parted() const { return !parted_.empty(); }

 private:
  class Bus;
  void Carry(size_t from, const signaling::v1::MeshMessage& message);
  void Deliver(size_t to, const signaling::v1::MeshMessage& message);

  Timeline& timeline_;
  Random& random_;
  std::vector<CoreHost*> hosts_;
  std::set<std::pair<size_t, size_t>> parted_;
  std::vector<std::unique_ptr<Bus>> buses_;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_MESH_NET_H_
