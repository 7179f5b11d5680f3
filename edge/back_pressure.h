// BackPressure: how a loop reacts when more comes in, or less goes out, than it can handle: it
// stops reading, or shortens the longest queue.
//
// T has holds_queue(), queue_memory(), queued_bytes(), GiveUpQueue(), ResumeReading() and
// ResumeWithTokens(); in the loop it is a Connection.
//
// Owner:  one Loop.
// Thread: that loop's.
// Bounds: `max_queued` bytes of memory for all queues and all input that is kept, together; an item
//         is listed once a reason.
#ifndef CAIRN_EDGE_BACK_PRESSURE_H_
#define CAIRN_EDGE_BACK_PRESSURE_H_

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "edge/lane.h"
#include "edge/turn.h"

namespace cairn::edge {

template <typename T>
class BackPressure {
 public:
  BackPressure(const Lane& lane, const Turn<T>& turn, size_t max_queued)
      : lane_(lane), turn_(turn), max_queued_(max_queued) {}

  // ---- the core does not keep up
  // Whether reading must pause until Resume().
  bool Pauses(T& item) {
    if (!lane_.congested()) return false;
    paused_.push_back(&item);
    return true;
  }
  // Whether paused items may read again.
  bool may_resume() const { return !paused_.empty() && !lane_.congested(); }
  // An item whose ResumeReading() pauses again is on the list again afterwards.
  void Resume() {
    std::vector<T*> resumed;
    resumed.swap(paused_);
    for (T* item : resumed) item->ResumeReading();
  }

  // ---- a client has exceeded a rate limit
  void AwaitTokens(T& item) { awaiting_tokens_.insert(&item); }
  // An item stays on the list if its ResumeWithTokens() returns false: it needs more tokens.
  void ResumeWithTokens() {
    const std::vector<T*> waiting(awaiting_tokens_.begin(), awaiting_tokens_.end());
    for (T* item : waiting) {
      if (item->ResumeWithTokens()) awaiting_tokens_.erase(item);
    }
  }

  // ---- clients do not read, or send what is never whole
  // Whether the socket accepts nothing more of what is queued.
  void NoteBlocked(T& item, bool blocked) {
    if (blocked) {
      blocked_.insert(&item);
    } else {
      blocked_.erase(&item);
    }
  }
  // Whether it keeps input: a message or record that has not come whole, or what waits for its
  // turn.
  void NoteKeepsInput(T& item, bool keeps) {
    if (keeps) {
      keeping_.insert(&item);
    } else {
      keeping_.erase(&item);
    }
  }
  // The memory of a queue has changed by that much.
  void NoteQueued(ptrdiff_t bytes) { queued_ += static_cast<size_t>(bytes); }
  // Writes or drops the longest queue until all together are within the bound. A queue that has
  // grown in this turn may be longer than any that was blocked before.
  void ShortenQueues() {
    while (queued_ > max_queued_) {
      T* longest = nullptr;
      const auto consider = [&longest](T* item) {
        if (!item->holds_queue()) return;
        if (!longest || item->queue_memory() > longest->queue_memory()) longest = item;
      };
      for (T* item : blocked_) consider(item);
      for (T* item : keeping_) consider(item);
      for (T* item : turn_.touched()) consider(item);
      if (!longest) return;
      longest->GiveUpQueue();
    }
  }

  // The item is about to be destroyed.
  void Forget(T& item) {
    std::erase(paused_, &item);
    awaiting_tokens_.erase(&item);
    blocked_.erase(&item);
    keeping_.erase(&item);
    queued_ -= item.queue_memory();
  }

  // ---- figures
  struct Queues {
    size_t sum = 0;
    size_t max = 0;
  };
  // In bytes that blocked clients have not read yet.
  Queues BlockedQueues() const {
    Queues queues;
    for (const T* item : blocked_) {
      queues.sum += item->queued_bytes();
      queues.max = std::max(queues.max, item->queued_bytes());
    }
    return queues;
  }
  size_t paused() const { return paused_.size(); }
  size_t awaiting_tokens() const { return awaiting_tokens_.size(); }
  size_t queued() const { return queued_; }

 private:
  // Borrowed; must outlive this.
  const Lane& lane_;
  const Turn<T>& turn_;
  // Immutable after construction.
  const size_t max_queued_;
  // Loop thread only.
  std::vector<T*> paused_;
  absl::flat_hash_set<T*> awaiting_tokens_;
  absl::flat_hash_set<T*> blocked_;  // all with queued data, between turns
  absl::flat_hash_set<T*> keeping_;  // those that keep input
  size_t queued_ = 0;                // memory of all queues and of all input that is kept
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_BACK_PRESSURE_H_
