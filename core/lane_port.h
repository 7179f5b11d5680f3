// LanePort: serves lanes on connections that carry nothing else, on one thread of its own, without
// gRPC; and a guest, from which messages for lanes come.
//
// A message costs it what it costs any server: one wake-up, one read and one write. gRPC 1.51 adds
// a second write, a WINDOW_UPDATE after every message, and more code than the rest of a core runs.
//
// Owner:  GrpcServer.
// Thread: one of its own; Adopt(): any.
// Bounds: of each connection LaneConnection's; their number is GrpcAcceptor's. What all of them have
//         sent, and is not handled: CoreLimits::max_queued_bytes_of_lanes; the one with the most is
//         given up.
#ifndef CAIRN_CORE_LANE_PORT_H_
#define CAIRN_CORE_LANE_PORT_H_

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/task_queue.h"
#include "core/lane_connection.h"
#include "core/port_guest.h"

namespace cairn::core {

class LanePort final : public LaneConnectionHost {
 public:
  static constexpr size_t kReadBytes = 64 << 10;

  // `core`, `authority` and `guest` must outlive it; `guest` may be null.
  LanePort(Core& core, Authority& authority, PortGuest* guest = nullptr);
  // Ends all streams.
  ~LanePort();

  // A connection whose first request opens a lane with these credentials, for this caller.
  // `received`: its bytes so far.
  void Adopt(LaneSocket socket, std::string received, Credentials credentials, Caller caller);

  // ---- LaneConnectionHost
  void Touch(std::shared_ptr<LaneConnection> connection) override;
  void Watch(LaneConnection& connection, uint32_t epoll_events) override;

 private:
  using Shared = std::shared_ptr<LaneConnection>;

  void Run();
  void Open(LaneSocket socket, const std::string& received, Credentials credentials, Caller caller);
  void ServeSockets();
  void SettleTouched();
  // After each use of a connection.
  void Update(const Shared& connection);
  void GiveUpLargest();
  void RemoveIfOver(const Shared& connection);
  void ScheduleTime();
  void OnTime();

  // Borrowed; must outlive this.
  Core& core_;
  Authority& authority_;
  PortGuest* const guest_;
  // Immutable after construction.
  const UniqueFd epoll_;
  const std::unique_ptr<char[]> buffer_;
  TaskQueue tasks_;
  // Its thread only.
  uint64_t next_id_ = 1;  // 0 is the queue of tasks
  struct Entry {
    Shared connection;
    size_t waiting_bytes = 0;
  };
  absl::flat_hash_map<uint64_t, Entry> connections_;
  size_t waiting_bytes_ = 0;  // of all
  std::vector<Shared> touched_;
  std::vector<Shared> settling_;
  bool guest_unread_ = false;  // OnReady() is to be called again
  bool stopping_ = false;

  std::atomic<std::thread::id> thread_id_;
  std::thread thread_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_PORT_H_
