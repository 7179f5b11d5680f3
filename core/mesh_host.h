// MeshHost: what the mesh calls in the router, which alone handles relays, notices and lanes of
// this core.
//
// Thread: the router's.
#ifndef CAIRN_CORE_MESH_HOST_H_
#define CAIRN_CORE_MESH_HOST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/directory.h"
#include "core/record_store.h"
#include "core/relay_ledger.h"
#include "signaling/v1/lane.pb.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

class MeshHost {
 public:
  // A delivery that a lane of this core has not acknowledged.
  struct Unanswered {
    RelayLedger::Owed owed;
    signaling::v1::Delivery delivery;
  };

  virtual Directory& directory() = 0;
  // Appends a delivery for the lane. `last`: it may move the relay's strings. True if the lane will
  // acknowledge it: Settle(owed) follows then.
  virtual bool DeliverItem(LaneRecord& lane, signaling::v1::MeshItem& relay,
                           const RelayLedger::Owed& owed, bool last) = 0;
  // One target of a relay has acknowledged it, or will not get it.
  virtual void Settle(const RelayLedger::Owed& owed) = 0;
  // Adds a target to an unsettled relay of a lane of this core.
  virtual void AddTarget(const RelayLedger::Owed& owed) = 0;
  // Sends the notice to every lane of this core with a watcher of the topic, or only to the peer
  // `only` if that is not 0.
  virtual void Announce(signaling::v1::Notice::Kind kind, uint64_t peer, std::string_view topic,
                        uint64_t only) = 0;
  // Answers a subscription of the peer: `others` are subscribed to the topic already.
  virtual void AnswerSubscribed(PeerRecord& peer, const std::string& topic, uint64_t others) = 0;
  // A record that was published at another core.
  virtual void TakeRecord(const std::string& topic, signaling::v1::Record record,
                          RecordStore::Said said, uint64_t lane_id) = 0;
  virtual const RecordStore& records() const = 0;
  // On the clock of the record store.
  virtual int64_t steady_us() const = 0;
  // The lane's clients have missed relays.
  virtual void TellLaneMissed(uint64_t lane_id) = 0;
  // The lane is at another core: removes it without notices that its peers left. Returns what it
  // has not acknowledged, oldest first. A last entry with lane 0 means that it has not acknowledged
  // being told that it missed relays either.
  virtual std::vector<Unanswered> Forget(LaneRecord& lane) = 0;
  // The lane has sent its snapshot to another core. True if relays that were kept for it here are
  // lost to it.
  virtual bool OnLaneElsewhere(uint64_t lane_id) = 0;

 protected:
  ~MeshHost() = default;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_HOST_H_
