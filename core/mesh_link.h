// MeshLink: one end of the channel between two cores: the link of lanes (proto/link/link.h) over a
// bus that loses, repeats and reorders.
//
//   asking ──first message of the other──▶ open ──the other begins another link──▶ over (kNewLink)
//
// If a message is missing, those after it are dropped, and the other end is asked to send again
// from the missing one on. Messages that stay unacknowledged for a while are sent again too. Each
// end gives its links ascending numbers: messages of an earlier link are ignored, and a higher
// number from the other end means that it has forgotten this link.
//
// Owner:  a MeshMember.
// Thread: the router's. Time is handed in, steady.
// Bounds: cost() is held against CoreLimits::max_lane_queued_bytes by the mesh.
#ifndef CAIRN_CORE_MESH_LINK_H_
#define CAIRN_CORE_MESH_LINK_H_

#include <absl/time/time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/limits.h"
#include "proto/link/link.h"
#include "proto/link/mesh_items.h"
#include "proto/link/mesh_out.h"
#include "proto/link/timing.h"

namespace cairn::core {

class MeshLink {
 public:
  using Message = signaling::v1::MeshMessage;
  using Out = link::MeshOut;
  enum class Receipt : uint8_t {
    kHandle,   // new and whole: to be handled now
    kNothing,  // nothing in it to handle
    kBroken,   // the other end acknowledges a message that was never sent
    kNewLink,  // the other end has begun another link: this one is over, and the message is for the
               // next
  };

  // `number` is higher than that of any link before with the same core.
  MeshLink(uint64_t number, const CoreLimits& limits, absl::Duration now)
      : number_(number),
        link_(limits.max_lane_queued_bytes, limits.max_whole_bytes),
        progress_(now) {
    link_.Attach(0, [](Out&) {});
  }

  // Takes all items of `message` and leaves it cleared.
  void Append(Out& message, absl::Duration now) {
    if (link_.idle()) progress_ = now;
    const size_t before = link_.cost();
    link_.Append(message);
    largest_ = std::max(largest_, link_.cost() - before);
  }

  // Whether there is something to send.
  bool HasNext() const { return introduce_ || (theirs_ != 0 && link_.HasNext()); }
  // Valid until the next call of a method that is not const. REQUIRES: HasNext().
  Out& Next() {
    // Before it is known that the other end knows this link, and when nothing else is due.
    Out& message = theirs_ != 0 && link_.HasNext() ? link_.Next() : bare_;
    if (&message == &bare_) message.set_received(link_.received());
    introduce_ = false;
    message.head().set_from_link(number_);
    message.head().set_to_link(theirs_);
    message.head().set_resend(gap_);
    gap_ = false;
    return message;
  }

  Receipt Receive(Message& message, absl::Duration now) {
    if (message.from_link() < theirs_) return Receipt::kNothing;
    const bool for_this = message.to_link() == number_;
    if (message.from_link() > theirs_) {
      if (!for_this && message.to_link() != 0 && theirs_ == 0) return Receipt::kNothing;
      if (known_) return Receipt::kNewLink;
      // Nothing was handled on it by either end.
      if (std::exchange(theirs_, message.from_link()) != 0) Rewind(now);
    }
    if (!for_this) {
      introduce_ = introduce_ || message.to_link() == 0;
      return Receipt::kNothing;
    }
    known_ = true;
    const uint64_t acknowledged = link_.acknowledged();
    if (!link_.Acknowledge(message.received(), [](Out&) {})) return Receipt::kBroken;
    if (link_.acknowledged() > acknowledged) {
      progress_ = now;
      wait_ = kFirstWait;
    }
    if (message.resend()) Rewind(now);
    if (message.number() > link_.received() + 1) {
      gap_ = true;
      link_.BeatNow();
      return Receipt::kNothing;
    }
    // The acknowledgement may have been lost.
    if (message.number() != 0 && message.number() <= link_.received()) link_.BeatNow();
    switch (link_.Receive(message, [](Out&) {})) {
      case link::Receipt::kHandle:
        return Receipt::kHandle;
      case link::Receipt::kNothing:
        return Receipt::kNothing;
      case link::Receipt::kBroken:
        return Receipt::kBroken;
    }
    return Receipt::kBroken;
  }

  // Every link::kTick.
  void Tick(absl::Duration now) {
    link_.AckNow();
    if (!known_) introduce_ = true;
    if (link_.idle() || now - last_rewind_ < wait_ || now - progress_ < wait_) return;
    wait_ = std::min(2 * wait_, kMaxWait);
    Rewind(now);
  }

  uint64_t number() const { return number_; }
  // The other end has answered on this link.
  bool known() const { return known_; }
  // Everything that was appended has been handled by the other end.
  bool idle() const { return link_.idle(); }
  size_t cost() const { return link_.cost(); }
  // Whether cost() is above `max`, or above some messages of the largest kind: a snapshot.
  bool full(size_t max) const { return link_.cost() > std::max(max, 4 * largest_); }
  // This core was stopped for a while.
  void Excuse(absl::Duration now) { progress_ = now; }
  // Since when the other end owes an acknowledgement, or the time of its last.
  absl::Duration progress() const { return progress_; }
  uint64_t resends() const { return resends_; }

 private:
  // Until what is not acknowledged is sent again, doubling.
  static constexpr absl::Duration kFirstWait = absl::Milliseconds(200);
  static constexpr absl::Duration kMaxWait = absl::Milliseconds(1'600);

  void Rewind(absl::Duration now) {
    if (link_.idle()) return;
    const uint64_t acknowledged = link_.acknowledged();
    link_.Attach(acknowledged, [](Out&) {});
    last_rewind_ = now;
    ++resends_;
    link_.BeatNow();
  }

  const uint64_t number_;
  link::Link<Out, Message> link_;
  uint64_t theirs_ = 0;    // the other end's number; 0: not heard yet
  bool known_ = false;     // the other end has heard of this link
  bool introduce_ = true;  // the other end may not have heard of this link
  bool gap_ = false;       // something is missing
  Out bare_;
  size_t largest_ = 0;  // cost that was appended at once
  absl::Duration progress_;
  absl::Duration last_rewind_ = -absl::InfiniteDuration();
  absl::Duration wait_ = kFirstWait;
  uint64_t resends_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_LINK_H_
