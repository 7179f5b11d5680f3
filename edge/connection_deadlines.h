// ConnectionDeadlines: what each connection of a loop waits for next, and until when: the end of
// its upgrade, our next ping, or the end of its closing handshake.
//
// T derives from DeadlineHook and has `bool in_handshake`; in the loop it is a Connection.
//
// Owner:  one Loop.
// Thread: that loop's.
// Bounds: `max_handshakes` upgrades at a time: PopExcess() names the others.
#ifndef CAIRN_EDGE_CONNECTION_DEADLINES_H_
#define CAIRN_EDGE_CONNECTION_DEADLINES_H_

#include <cstddef>
#include <utility>

#include "edge/deadline_list.h"
#include "edge/limits.h"

namespace cairn::edge {

template <typename T>
class ConnectionDeadlines {
 public:
  ConnectionDeadlines(const EdgeLimits& limits, size_t max_handshakes)
      : max_handshakes_(max_handshakes),
        upgrades_(limits.handshake_timeout),
        pings_(limits.ping_interval),
        ends_(limits.close_timeout) {}

  void AwaitUpgrade(T& item, absl::Duration now) {
    upgrades_.Restart(item, now);
    item.in_handshake = true;
    ++handshakes_;
  }
  void AwaitPing(T& item, absl::Duration now) {
    EndHandshake(item);
    pings_.Restart(item, now);
  }
  void AwaitEnd(T& item, absl::Duration now) {
    EndHandshake(item);
    ends_.Restart(item, now);
  }
  // The item has ended: it is no handshake any more.
  void EndHandshake(T& item) {
    if (std::exchange(item.in_handshake, false)) --handshakes_;
  }

  // Removes and returns one whose deadline has passed; null if there is none.
  T* PopDue(absl::Duration now) {
    for (DeadlineList<T>* list : {&upgrades_, &pings_, &ends_}) {
      if (T* item = list->PopDue(now)) return item;
    }
    return nullptr;
  }
  // Removes and returns the oldest handshake while there are more than allowed; null otherwise.
  T* PopExcess() { return handshakes_ > max_handshakes_ ? upgrades_.PopOldest() : nullptr; }
  // Removes and returns the oldest handshake if it has taken that long; null otherwise.
  T* PopSilent(absl::Duration least, absl::Duration now) {
    return upgrades_.PopOlderThan(least, now);
  }

 private:
  // Immutable after construction.
  const size_t max_handshakes_;
  // Loop thread only.
  size_t handshakes_ = 0;
  DeadlineList<T> upgrades_;
  DeadlineList<T> pings_;
  DeadlineList<T> ends_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CONNECTION_DEADLINES_H_
