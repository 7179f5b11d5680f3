#include "tests/sim/mesh_net.h"

#include <algorithm>

namespace cairn::sim {

using signaling::v1::MeshMessage;

class MeshNet::Bus final : public core::MeshBus {
 public:
  Bus(MeshNet& net, size_t host, uint64_t incarnation)
      : net_(net), host_(host), incarnation_(incarnation) {}

  bool Writable() override {
    if (!busy_) return true;
    wanted_ = true;
    return false;
  }
  void Send(const MeshMessage& head, std::string_view items) override {
    // Serialized and parsed, as by every engine.
    MeshMessage sent;
    const bool parsed = sent.ParseFromString(head.SerializeAsString().append(items));
    if (parsed) net_.Carry(host_, sent);
    if (!net_.random_.Chance(10)) return;
    busy_ = true;
    net_.timeline_.After(net_.random_.Between(1, 5 * kMs), [this] {
      busy_ = false;
      if (std::exchange(wanted_, false)) net_.hosts_[host_]->MeshWritable(incarnation_);
    });
  }

 private:
  MeshNet& net_;
  const size_t host_;
  const uint64_t incarnation_;
  bool busy_ = false;
  bool wanted_ = false;
};

MeshNet::MeshNet(Timeline& timeline, Random& random) : timeline_(timeline), random_(random) {}

MeshNet::~MeshNet() = default;

core::MeshBus& MeshNet::NewBus(size_t host) {
  return *buses_.emplace_back(std::make_unique<Bus>(*this, host, hosts_[host]->incarnation()));
}

void MeshNet::Carry(size_t from, const MeshMessage& message) {
  const bool has_somebody = std::any_of(hosts_.begin(), hosts_.end(), [&](CoreHost* host) {
    return host->running() && host->router().core_id() == message.to();
  });
  // The bus may also say this of a living core that is reconnecting to the bus.
  if (message.to() != 0 && (!has_somebody || (lost > 0 && random_.Chance(1)))) {
    timeline_.After(random_.Between(20, max_delay),
                    [this, from, id = message.to(), incarnation = hosts_[from]->incarnation()] {
                      hosts_[from]->MeshNobody(incarnation, id);
                    });
  }
  for (size_t to = 0; to < hosts_.size(); ++to) {
    if (to == from || !hosts_[to]->running()) continue;
    if (message.to() != 0 && message.to() != hosts_[to]->router().core_id()) continue;
    if (parted_.contains({from, to}) || random_.Chance(lost)) continue;
    Deliver(to, message);
    if (random_.Chance(repeated)) Deliver(to, message);
  }
}

void MeshNet::Deliver(size_t to, const MeshMessage& message) {
  timeline_.After(random_.Between(20, max_delay),
                  [this, to, message, incarnation = hosts_[to]->incarnation()] {
                    hosts_[to]->Arrived(incarnation, message);
                  });
}

}  // namespace cairn::sim
