// DeadlineList: items that all wait for the same time, the oldest first: adding, removing and
// finding the next one are O(1).
//
// An item contains its own hook and is in at most one list; moving it to another list changes its
// deadline.
//
// Owner:  one Loop.
// Thread: its own.
// Bounds: no memory besides the hooks.
#ifndef CAIRN_EDGE_DEADLINE_LIST_H_
#define CAIRN_EDGE_DEADLINE_LIST_H_

#include <absl/time/time.h>

#include <boost/intrusive/list.hpp>

namespace cairn::edge {

// Removes itself from its list when destroyed.
class DeadlineHook : public boost::intrusive::list_base_hook<
                         boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 private:
  template <typename T>
  friend class DeadlineList;
  absl::Duration deadline_;
};

// REQUIRES: T derives from DeadlineHook.
template <typename T>
class DeadlineList {
 public:
  explicit DeadlineList(absl::Duration wait) : wait_(wait) {}

  // `item` is due at now + wait; it is removed from its previous list. REQUIRES: `now` never goes
  // back.
  void Restart(T& item, absl::Duration now) {
    item.unlink();
    item.deadline_ = now + wait_;
    list_.push_back(item);
  }

  // Removes and returns the next item that is due; null if there is none.
  T* PopDue(absl::Duration now) {
    return list_.empty() || list_.front().deadline_ > now ? nullptr : PopOldest();
  }
  // Removes and returns the item that has waited longest, if that is at least `least`; null
  // otherwise.
  T* PopOlderThan(absl::Duration least, absl::Duration now) {
    const bool none = list_.empty() || list_.front().deadline_ - wait_ + least > now;
    return none ? nullptr : PopOldest();
  }
  // Removes and returns the item that has waited longest; null if the list is empty.
  T* PopOldest() {
    if (list_.empty()) return nullptr;
    T& item = list_.front();
    item.unlink();
    return &item;
  }

 private:
  const absl::Duration wait_;
  boost::intrusive::list<T, boost::intrusive::base_hook<DeadlineHook>,
                         boost::intrusive::constant_time_size<false>>
      list_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_DEADLINE_LIST_H_
