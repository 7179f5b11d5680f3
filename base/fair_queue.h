// FairQueue: what waits for costly work, in turn for each owner, such as an address: one that adds
// much delays mostly its own.
//
// Thread: its caller's.
// Bounds: its caller's.
#ifndef CAIRN_BASE_FAIR_QUEUE_H_
#define CAIRN_BASE_FAIR_QUEUE_H_

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cairn {

template <typename Item>
class FairQueue {
 public:
  void Add(Item item, std::string_view owner) {
    const auto found = owners_.find(owner);
    if (found != owners_.end()) {
      found->second->items.push_back(std::move(item));
      return;
    }
    lines_.push_back({std::string(owner), {}});
    lines_.back().items.push_back(std::move(item));
    owners_.emplace(lines_.back().owner, std::prev(lines_.end()));
  }
  // Before all others: it has had its turn, and little is left to do.
  void AddFirst(Item item) { first_.push_back(std::move(item)); }

  bool empty() const { return first_.empty() && lines_.empty(); }
  // The next one is removed.
  std::optional<Item> Next() {
    if (!first_.empty()) return Pop(first_);
    if (lines_.empty()) return std::nullopt;
    Line& line = lines_.front();
    std::optional<Item> item = Pop(line.items);
    if (line.items.empty()) {
      owners_.erase(line.owner);
      lines_.pop_front();
    } else {
      lines_.splice(lines_.end(), lines_, lines_.begin());
    }
    return item;
  }
  // O(items).
  void Remove(const Item& item) {
    std::erase(first_, item);
    for (auto line = lines_.begin(); line != lines_.end();) {
      const auto next = std::next(line);
      if (std::erase(line->items, item) > 0 && line->items.empty()) {
        owners_.erase(line->owner);
        lines_.erase(line);
      }
      line = next;
    }
  }

 private:
  struct Line {
    std::string owner;
    std::deque<Item> items;
  };

  static Item Pop(std::deque<Item>& items) {
    Item item = std::move(items.front());
    items.pop_front();
    return item;
  }

  std::deque<Item> first_;
  std::list<Line> lines_;  // the next one first; none is empty
  std::map<std::string, typename std::list<Line>::iterator, std::less<>> owners_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_FAIR_QUEUE_H_
