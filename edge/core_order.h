// CoreOrder: in which order an edge prefers its cores, and the addresses of a core's name.
//
// kOrdered: as the operator wrote them; addresses of a name ascending. kSpread: each edge has an
// order of its own, drawn from its name, so that many edges share themselves out evenly, and few of
// them move when a core comes or goes (rendezvous hashing).
//
// All loops of an edge have the same order. Addresses of the two families take turns, beginning
// with the resolver's first: an unreachable family then costs one head start.
//
// Thread: any; immutable.
#ifndef CAIRN_EDGE_CORE_ORDER_H_
#define CAIRN_EDGE_CORE_ORDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "edge/core_target.h"

namespace cairn::edge {

enum class CoreChoice { kOrdered, kSpread };

class CoreOrder {
 public:
  // `edge`: its name.
  explicit CoreOrder(CoreChoice choice = CoreChoice::kOrdered, std::string edge = "");

  // The preferred one first.
  std::vector<CoreTarget> Of(std::vector<CoreTarget> targets) const;
  std::vector<SocketAddress> Of(const std::vector<SocketAddress>& addresses) const;

 private:
  // The highest is preferred.
  uint64_t Weight(std::string_view core) const;

  CoreChoice choice_;
  std::string edge_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_ORDER_H_
