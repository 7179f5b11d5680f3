// Turn: what a loop has to do for its connections before it sleeps, and what it leaves for the next
// turn.
//
// A turn ends in Settle(): the lane's batch goes to the core, each touched item writes once, and
// retired items are removed.
//
// T has `bool touched`, Settle(), TakeTurn() and awaits_turn(); in the loop it is a Connection.
//
// Owner:  one Loop.
// Thread: that loop's.
// Bounds: edge/work.h; an item is listed once.
#ifndef CAIRN_EDGE_TURN_H_
#define CAIRN_EDGE_TURN_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/fair_queue.h"
#include "base/prefetch.h"
#include "edge/lane.h"
#include "edge/work.h"

namespace cairn::edge {

template <typename T>
class Turn {
 public:
  explicit Turn(Lane& lane) : lane_(lane) {}

  // ---- called by the items
  // Settle() must be called before the loop sleeps.
  void Touch(T& item) {
    if (item.touched) return;
    item.touched = true;
    lane_.AddWork(kWriteWork);
    touched_.push_back(&item);
  }
  // TakeTurn() must be called in a later turn: others are served first.
  void Await(T& item) { awaiting_.push_back(&item); }
  // The same for a step of a TLS handshake, of which there may be few in a turn; `answered`: the
  // one that costs most is done. `from`: its address.
  void AwaitHandshake(T& item, std::string_view from, bool answered) {
    if (answered) return handshakes_.AddFirst(&item);
    handshakes_.Add(&item, from);
  }
  // It has ended: it is removed at the end of the turn.
  void Retire(T& item) { retired_.push_back(&item); }
  // The work of this turn for input of the items (edge/work.h).
  void NoteHeard(uint64_t work) { heard_ += work; }

  // ---- called by the loop
  // Whether more input may be handled in this turn.
  bool may_hear() const { return heard_ < kHearingPerTurn; }
  // Lets those that await their turn take it, in the order of arrival, as far as this turn allows.
  void TakeTurns() {
    for (size_t left = awaiting_.size(); left > 0 && may_hear(); --left) {
      // Only the end of a turn removes items from the queue.
      T* item = awaiting_.front();
      awaiting_.pop_front();
      item->TakeTurn();
    }
    // At least one: there may be clients that always have more to say.
    while (const std::optional<T*> item = handshakes_.Next()) {
      (*item)->TakeTurn();
      if (!may_hear()) break;
    }
  }
  // Until nothing is left to do. `remove(item)` is called for each retired one, and must call
  // Forget().
  template <typename Remove>
  void Settle(Remove remove) {
    lane_.Flush();
    while (!touched_.empty() || !retired_.empty()) {
      settling_.swap(touched_);
      for (size_t i = 0; i < settling_.size(); ++i) {
        if (i + 1 < settling_.size()) Prefetch(settling_[i + 1], sizeof(T));
        settling_[i]->touched = false;
        settling_[i]->Settle();
      }
      settling_.clear();
      for (T* item : retired_) remove(*item);
      retired_.clear();
      lane_.Flush();
    }
  }
  // Ends the turn; the next one starts with no work done.
  void End() {
    heard_ = 0;
    lane_.EndTurn();
  }
  // The next turn has work to do even if no socket becomes ready.
  bool has_more() const {
    return !awaiting_.empty() || !handshakes_.empty() || lane_.has_waiting();
  }
  // The item is about to be destroyed.
  void Forget(T& item) {
    if (item.touched) std::erase(touched_, &item);
    if (!item.awaits_turn()) return;
    std::erase(awaiting_, &item);
    handshakes_.Remove(&item);
  }

  std::span<T* const> touched() const { return touched_; }
  size_t awaiting() const { return awaiting_.size(); }
  bool has_handshakes() const { return !handshakes_.empty(); }
  uint64_t heard() const { return heard_; }

 private:
  // Borrowed; must outlive this.
  Lane& lane_;
  // Loop thread only.
  std::vector<T*> touched_;
  std::vector<T*> settling_;
  std::vector<T*> retired_;
  std::deque<T*> awaiting_;  // in the order of arrival
  FairQueue<T*> handshakes_;
  uint64_t heard_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_TURN_H_
