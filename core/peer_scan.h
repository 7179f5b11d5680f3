// PeerScan: iterates over all peers that match a filter, a bounded number at a time, while the
// table changes.
//
// Owner:  one AdminCall chain.
// Thread: the router's, in Step().
// Bounds: kScanPerStep peers a step, so that relays wait for microseconds and not for a scan of the
//         whole table.
#ifndef CAIRN_CORE_PEER_SCAN_H_
#define CAIRN_CORE_PEER_SCAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/directory.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

// The whole filter except the topic, which closed peers do not have.
bool Fits(const signaling::v1::PeerFilter& filter, const PeerRecord& peer);
bool Fits(const signaling::v1::PeerFilter& filter, const ClosedPeer& peer);

class PeerScan {
 public:
  static constexpr size_t kScanPerStep = 512;

  explicit PeerScan(signaling::v1::PeerFilter filter, uint64_t after = 0)
      : filter_(std::move(filter)), last_(after) {
    if (!filter_.topic().empty()) topic_ = filter_.topic();
  }
  // Also used for the empty topic, which a filter cannot name.
  static PeerScan OfTopic(std::string name) {
    PeerScan scan{signaling::v1::PeerFilter()};
    scan.topic_ = std::move(name);
    return scan;
  }

  // Calls visit(const PeerRecord&) for up to `most` matching peers, in ascending order of ids.
  // False at the end of the table.
  template <typename Visit>
  bool Step(const Directory& directory, size_t most, Visit visit) {
    const TopicRecord* topic = topic_ ? directory.Topic(*topic_) : nullptr;
    if (topic_ && !topic) return false;
    auto it = directory.peer_ids().upper_bound(last_);
    for (size_t scanned = 0; it != directory.peer_ids().end() && scanned < kScanPerStep;
         ++it, ++scanned) {
      if (most == 0) return true;
      last_ = it->first;
      const PeerRecord& peer = *it->second;
      if (topic && !peer.topics.contains(topic)) continue;
      if (!Fits(filter_, peer)) continue;
      visit(peer);
      --most;
    }
    return it != directory.peer_ids().end();
  }

  // The last id visited; the next scan continues after it.
  uint64_t last() const { return last_; }

 private:
  const signaling::v1::PeerFilter filter_;
  std::optional<std::string> topic_;
  uint64_t last_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_PEER_SCAN_H_
