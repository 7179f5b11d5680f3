#include "edge/core_order.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

namespace cairn::edge {
namespace {

// FNV-1a, and the finalizer of MurmurHash3: names that differ in one character must differ in all
// bits. It must be the same in every process, which absl::Hash is not.
uint64_t Hash(std::string_view text, uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

uint64_t Mixed(uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

// Address and port in the order of the network, for comparison.
std::string Key(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    return std::string(reinterpret_cast<const char*>(&v4->sin_addr), sizeof v4->sin_addr) +
           std::string(reinterpret_cast<const char*>(&v4->sin_port), sizeof v4->sin_port);
  }
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    return std::string(reinterpret_cast<const char*>(&v6->sin6_addr), sizeof v6->sin6_addr) +
           std::string(reinterpret_cast<const char*>(&v6->sin6_port), sizeof v6->sin6_port);
  }
  return "";
}

}  // namespace

CoreOrder::CoreOrder(CoreChoice choice, std::string edge)
    : choice_(choice), edge_(std::move(edge)) {}

uint64_t CoreOrder::Weight(std::string_view core) const {
  return Mixed(Hash(core, Hash(edge_, 0xcbf29ce484222325) * 31));
}

std::vector<CoreTarget> CoreOrder::Of(std::vector<CoreTarget> targets) const {
  if (choice_ == CoreChoice::kOrdered) return targets;
  const auto weight = [this](const CoreTarget& target) {
    return Weight(target.is_unix() ? target.unix_path : target.Authority());
  };
  std::stable_sort(targets.begin(), targets.end(),
                   [&](const CoreTarget& a, const CoreTarget& b) { return weight(a) > weight(b); });
  return targets;
}

std::vector<SocketAddress> CoreOrder::Of(const std::vector<SocketAddress>& addresses) const {
  std::vector<SocketAddress> sorted = addresses;
  std::stable_sort(
      sorted.begin(), sorted.end(), [this](const SocketAddress& a, const SocketAddress& b) {
        const std::string one = Key(a), other = Key(b);
        return choice_ == CoreChoice::kOrdered ? one < other : Weight(one) > Weight(other);
      });
  std::deque<SocketAddress> first, second;
  for (const SocketAddress& address : sorted)
    (address.family() == addresses.front().family() ? first : second).push_back(address);
  std::vector<SocketAddress> mixed;
  while (!first.empty() || !second.empty()) {
    for (std::deque<SocketAddress>* family : {&first, &second}) {
      if (family->empty()) continue;
      mixed.push_back(family->front());
      family->pop_front();
    }
  }
  return mixed;
}

}  // namespace cairn::edge
