// DeadlineList: items that all wait equally long, oldest first: adding, leaving and finding the
// next are O(1).
//
// An item carries its own hook and is in one list at most; what it waits for changes with the list
// it is in. Owner:  one Loop. Thread: its own. Bounds: no memory besides the hooks.
#ifndef CAIRN_EDGE_DEADLINE_LIST_H_
#define CAIRN_EDGE_DEADLINE_LIST_H_

#include <absl/time/time.h>

#include <boost/intrusive/list.hpp>

namespace cairn::edge {

// Leaves its list by itself when destroyed.
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

  // `item` is due at now + wait; it leaves the list it was in. REQUIRES: `now` never goes back.
  void Restart(T& item, absl::Duration now) {
    item.unlink();
    item.deadline_ = now + wait_;
    list_.push_back(item);
  }

  // The next item that is due, taken out; null if none is.
  T* PopDue(absl::Duration now) {
    return list_.empty() || list_.front().deadline_ > now ? nullptr : PopOldest();
  }
  // The one that has waited longest, taken out, if that is at least `least`; null if none has.
  T* PopOlderThan(absl::Duration least, absl::Duration now) {
    const bool none = list_.empty() || list_.front().deadline_ - wait_ + least > now;
    return none ? nullptr : PopOldest();
  }
  // The one that has waited longest, taken out; null if none waits.
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
