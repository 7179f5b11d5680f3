// DoorPorter: the thread of GrpcDoor, and its data.
//
// Owner:  GrpcDoor.
// Thread: one of its own; Start(), Stop(): the owner's; Admit(): any.
// Bounds: DoorBounds.
#ifndef CAIRN_CORE_DOOR_PORTER_H_
#define CAIRN_CORE_DOOR_PORTER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"
#include "core/door_guests.h"
#include "core/door_listener.h"
#include "core/door_log.h"
#include "core/door_places.h"
#include "core/door_visitor.h"
#include "core/grpc_door.h"

namespace cairn::core {

class DoorPorter {
 public:
  DoorPorter(const GrpcSocket& socket, const Authority& authority, bool tls,
             GrpcDoor::HandOver hand_over, const DoorBounds& bounds, const Clock& clock);
  void Start();
  void Stop();
  void Admit(const std::string& peer);

 private:
  struct Stranger {
    std::string host, peer;
    absl::Duration deadline;
    // In plain text.
    DoorVisitor visitor;
    // With TLS: the same connection as gRPC's, and its state.
    UniqueFd copy;
    DoorGuests::Guest guest;
  };
  using Strangers = std::map<uint64_t, Stranger>;

  void Run();
  absl::Duration NextTime() const;
  void Accept();
  bool MakePlace(bool at_once);
  void Enter(UniqueFd fd);
  void EnterTls(uint64_t id, Stranger stranger, UniqueFd fd);
  void TakeAdmitted();
  void EndLate();
  void OnEvent(uint64_t id);
  void Read(Strangers::iterator it);
  void LetIn(Strangers::iterator it);
  void End(Strangers::iterator it);
  void Forget(Strangers::iterator it);
  bool Watch(int fd, uint32_t events, uint64_t id) const;

  // Immutable after construction.
  const GrpcSocket& socket_;
  const Authority& authority_;
  const bool tls_;
  const GrpcDoor::HandOver hand_over_;
  const DoorBounds bounds_;
  const Clock& clock_;
  UniqueFd epoll_, wake_;

  // Door thread only.
  uint64_t next_id_ = 2;  // 0 and 1 are the listener's and wake_'s
  Strangers strangers_;
  DoorPlaces places_;
  DoorGuests guests_;
  DoorListener listener_;
  DoorLog log_;

  Mutex mu_;
  std::vector<std::string> admitted_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_DOOR_PORTER_H_
