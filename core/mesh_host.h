// MeshHost: what the mesh needs of the router. Relays, notices and lanes of this core stay the
// router's business.
//
// Thread: the router's.
#ifndef CAIRN_CORE_MESH_HOST_H_
#define CAIRN_CORE_MESH_HOST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/directory.h"
#include "core/record_store.h"
#include "core/relay_ledger.h"
#include "signaling/v1/lane.pb.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

class MeshHost {
 public:
  // Something of a relay that a lane of this core has not acknowledged.
  struct Unanswered {
    RelayLedger::Owed owed;
    signaling::v1::Delivery delivery;
  };

  virtual Directory& directory() = 0;
  // Appends a delivery for the lane; `last`: the relay's strings are not needed any more. True when
  // the lane will answer for it: then Settle(owed) follows.
  virtual bool DeliverItem(LaneRecord& lane, signaling::v1::MeshItem& relay,
                           const RelayLedger::Owed& owed, bool last) = 0;
  // One target of a relay is done with it.
  virtual void Settle(const RelayLedger::Owed& owed) = 0;
  // A relay of a lane of this core that is not settled has one more target.
  virtual void AddTarget(const RelayLedger::Owed& owed) = 0;
  // To every lane of this core with a watcher of the topic; `only`: to that one peer alone, if not
  // 0.
  virtual void Announce(signaling::v1::Notice::Kind kind, uint64_t peer, const std::string& topic,
                        uint64_t only) = 0;
  // Of topics that have watchers here, since nobody else is told.
  virtual void AnswerSubscribed(PeerRecord& peer, const std::string& topic, uint64_t others) = 0;
  // A record that was published at another core.
  virtual void TakeRecord(const std::string& topic, signaling::v1::Record record,
                          RecordStore::Said said, uint64_t lane_id) = 0;
  virtual const RecordStore& records() const = 0;
  // On the clock of the record store.
  virtual int64_t steady_us() const = 0;
  // The lane's clients have missed relays.
  virtual void TellLaneMissed(uint64_t lane_id) = 0;
  // The lane is at another core: forgets it without telling anybody that its peers left. What it
  // has not acknowledged, oldest first; one of lane 0: nor that it has missed relays.
  virtual std::vector<Unanswered> Forget(LaneRecord& lane) = 0;
  // The lane has told its snapshot at another core. True when it has missed what was kept for it
  // here.
  virtual bool OnLaneElsewhere(uint64_t lane_id) = 0;

 protected:
  ~MeshHost() = default;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_HOST_H_
