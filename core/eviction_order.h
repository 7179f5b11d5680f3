// EvictionOrder: selects which connection without a credential is closed when there are too many.
//
// Of the address that has most of them, the oldest is closed, so that a client that opens many
// displaces its own first. None is closed before kLeastTime has passed: many edges may reconnect at
// once.
//
// Thread: its caller's.
#ifndef CAIRN_CORE_EVICTION_ORDER_H_
#define CAIRN_CORE_EVICTION_ORDER_H_

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::core {

class EvictionOrder {
 public:
  static constexpr absl::Duration kLeastTime = absl::Milliseconds(250);

  struct Entry {
    std::string host;
    absl::Duration since;
  };

  // `id`s increase over time, as `now` does.
  void Add(uint64_t id, std::string host, absl::Duration now) {
    ++count_[host];
    order_.emplace(id, Entry{std::move(host), now});
  }
  void Remove(uint64_t id) {
    const auto it = order_.find(id);
    if (it == order_.end()) return;
    const auto count = count_.find(it->second.host);
    if (--count->second == 0) count_.erase(count);
    order_.erase(it);
  }
  // The connection to close; none while all are too young, unless `at_once`. O(size()).
  std::optional<uint64_t> Next(absl::Duration now, bool at_once) const {
    std::optional<uint64_t> next;
    size_t most = 0;
    for (const auto& [id, entry] : order_) {
      if (!at_once && now - entry.since < kLeastTime) break;
      const size_t count = count_.at(entry.host);
      if (count <= most) continue;
      most = count;
      next = id;
    }
    return next;
  }
  // When the oldest was accepted.
  std::optional<absl::Duration> oldest() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->second.since;
  }
  size_t size() const { return order_.size(); }

 private:
  std::map<uint64_t, Entry> order_;
  absl::flat_hash_map<std::string, size_t> count_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_EVICTION_ORDER_H_
