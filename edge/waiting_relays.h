// WaitingRelays: relays that the lane has received from the core and not yet handed to its clients,
// because the work of a turn is bounded.
//
// Senders are served round-robin: a sender whose relays go to thousands does not delay others. The
// relays of one sender keep their order.
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: the lane compares cost() with kMaxCost.
#ifndef CAIRN_EDGE_WAITING_RELAYS_H_
#define CAIRN_EDGE_WAITING_RELAYS_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "proto/link/cost.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class WaitingRelays {
 public:
  static constexpr size_t kMaxCost = 16 << 20;

  // A relay, or a Joined or Left.
  using Item = std::variant<signaling::v1::Delivery, signaling::v1::Notice>;

  bool empty() const { return turns_.empty(); }
  size_t cost() const { return cost_; }
  // An item of this sender waits: its other items must wait behind it.
  bool HasOf(uint64_t sender) const { return by_sender_.contains(sender); }

  void Add(uint64_t sender, Item item) {
    cost_ += CostOf(item);
    std::deque<Item>& own = by_sender_[sender];
    if (own.empty()) turns_.push_back(sender);
    own.push_back(std::move(item));
  }
  // Removes and returns the next item. The sender's others wait until all other senders have had
  // their turn. REQUIRES: !empty().
  Item Take() {
    const uint64_t sender = turns_.front();
    turns_.pop_front();
    const auto own = by_sender_.find(sender);
    Item item = std::move(own->second.front());
    own->second.pop_front();
    cost_ -= CostOf(item);
    if (own->second.empty()) {
      by_sender_.erase(own);
    } else {
      turns_.push_back(sender);
    }
    return item;
  }

  // The sender's next relay, if it is for all subscribers of the topic. Out of turn: to be handed
  // on together with another one.
  std::optional<signaling::v1::Delivery> TakeAlso(uint64_t sender, std::string_view topic) {
    const auto own = by_sender_.find(sender);
    if (own == by_sender_.end()) return std::nullopt;
    auto* delivery = std::get_if<signaling::v1::Delivery>(&own->second.front());
    if (!delivery || delivery->to() != 0 || delivery->topic() != topic) return std::nullopt;
    std::optional<signaling::v1::Delivery> taken = std::move(*delivery);
    cost_ -= link::CostOf(*taken);
    own->second.pop_front();
    if (own->second.empty()) {
      by_sender_.erase(own);
      std::erase(turns_, sender);
    }
    return taken;
  }

 private:
  static size_t CostOf(const Item& item) {
    return std::visit([](const auto& one) { return link::CostOf(one); }, item);
  }

  absl::flat_hash_map<uint64_t, std::deque<Item>> by_sender_;  // senders that have items
  std::deque<uint64_t> turns_;                                 // senders, the next one first
  size_t cost_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_WAITING_RELAYS_H_
