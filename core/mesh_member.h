// MeshMember: another core of the fleet, as one core knows it, and the messages for it.
//
// Owner:  Mesh.
// Thread: the router's.
// Bounds: messages that it has not acknowledged, and for each lane of it relays that it has not
//         settled: CoreLimits::max_lane_queued_bytes; and all messages in which relays of the last
//         two ticks were sent that are not settled.
#ifndef CAIRN_CORE_MESH_MEMBER_H_
#define CAIRN_CORE_MESH_MEMBER_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/mesh_interest.h"
#include "core/mesh_link.h"
#include "core/mesh_outbox.h"
#include "core/relay_ledger.h"

namespace cairn::core {

// A relay that waits for a lane, or follows it to its new core.
struct MeshRelay {
  // Copies the relay.
  MeshRelay(const RelayLedger::Owed& to_whom, const link::RelayItem& relay)
      : owed(to_whom), packed(relay), item(packed.Read()) {}

  RelayLedger::Owed owed;
  PackedRelay packed;
  link::RelayItem item;  // its texts are in `packed`
};

struct MeshMember {
  // A relay that went to the member, until the member has settled it. As large as a line of the
  // processor's cache: it is not in there any more when it is settled.
  struct Open {
    RelayLedger::Owed owed = {};
    TopicHash topic = {};
    PackedRelay relay;  // empty: settled, behind one that is not

    bool settled() const { return relay.size() == 0; }
    size_t cost() const { return sizeof(Open) + relay.size(); }
  };

  uint64_t id = 0;
  // Null: only keeps relays for lanes that were there and are moving to another core.
  std::unique_ptr<MeshLink> link;
  std::string name;
  std::string version;
  absl::Duration heard;
  bool nobody = false;                    // since then the bus found nobody at its address
  absl::flat_hash_set<uint64_t> members;  // the cores that it knows, by its last beat
  bool beaten = false;                    // that beat has come
  bool complete = false;                  // its snapshot has come to its end
  bool draining = false;                  // by its last beat, it sends its lanes away
  MeshOutbox outbox;
  // For each lane, the last session for which it sent LANE_FOUND, which may come before LANE_HERE.
  absl::flat_hash_map<uint64_t, uint64_t> found;
  RelayLedger incoming;  // its relays that this core has not settled, by tag
  uint64_t last_tag = 0;
  std::deque<Open> open;  // tags up to last_tag, without gaps; the first is not settled
  size_t open_cost = 0;
  std::optional<absl::Duration> full_since;  // it has owed more than its bound
  size_t largest_open = 0;                   // the highest cost of one so far
  uint32_t places = 0;                       // lanes to which relays go through this member

  // Relays sent to it that it has not settled.
  size_t open_relays() const {
    return static_cast<size_t>(
        std::count_if(open.begin(), open.end(), [](const Open& one) { return !one.settled(); }));
  }
  bool absent(absl::Duration now) const { return now - heard > (nobody ? kUnreached : kAbsent); }
  // The tag of the first of `open`, or of the next relay.
  uint64_t first_tag() const { return last_tag + 1 - open.size(); }
  // Null if the relay is settled, or was never sent.
  Open* FindOpen(uint64_t tag) {
    if (tag < first_tag() || tag > last_tag) return nullptr;
    Open& one = open[static_cast<size_t>(tag - first_tag())];
    return one.settled() ? nullptr : &one;
  }
  // Marks an open relay as settled and removes it from `open`.
  RelayLedger::Owed Close(Open& one) {
    const RelayLedger::Owed owed = one.owed;
    open_cost -= one.cost();
    one.relay = {};
    while (!open.empty() && open.front().settled()) open.pop_front();
    return owed;
  }
  // At every tick: relays that were there at the last tick and are not settled get memory of their
  // own: they no longer keep that of all that was sent with them.
  void PartOld() {
    for (uint64_t tag = std::max(parted_tag_ + 1, first_tag()); tag <= old_tag_; ++tag) {
      if (Open* one = FindOpen(tag)) one->relay.Part();
    }
    parted_tag_ = std::exchange(old_tag_, last_tag);
    outbox.Trim();
  }

 private:
  // Tags up to these: have memory of their own; were there at the last tick.
  uint64_t parted_tag_ = 0, old_tag_ = 0;

  // A subscription is answered without waiting for a core that has been silent for so long.
  static constexpr absl::Duration kAbsent = absl::Seconds(1);
  // The same, if the bus found nobody at its address: longer than a core needs to find another
  // server of the bus.
  static constexpr absl::Duration kUnreached = absl::Milliseconds(300);
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_MEMBER_H_
