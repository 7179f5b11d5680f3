// WaitingRelays: what the core has sent to a lane and the lane has not handed to its clients yet,
// because a turn of the loop does so much and no more.
//
// Senders take turns: one whose relays go to thousands does not hold up those of others. What one
// sender said keeps its order.
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: cost() is held against kMaxCost by the lane.
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

  // A relay, or who has joined or left.
  using Item = std::variant<signaling::v1::Delivery, signaling::v1::Notice>;

  bool empty() const { return turns_.empty(); }
  size_t cost() const { return cost_; }
  // Something of this sender waits: what else it said must wait behind it.
  bool HasOf(uint64_t sender) const { return by_sender_.contains(sender); }

  void Add(uint64_t sender, Item item) {
    cost_ += CostOf(item);
    std::deque<Item>& own = by_sender_[sender];
    if (own.empty()) turns_.push_back(sender);
    own.push_back(std::move(item));
  }
  // The next one. Its sender's others wait until all other senders have had their turn. REQUIRES:
  // !empty().
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

  // The sender's next relay, if it is for everybody in the topic. Out of its turn: to be handed on
  // together with another.
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

  absl::flat_hash_map<uint64_t, std::deque<Item>> by_sender_;  // those with any
  std::deque<uint64_t> turns_;                                 // the next one first
  size_t cost_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_WAITING_RELAYS_H_
