// Loop: one thread with its connections, its listener and its lane. A connection never leaves its
// loop.
//
// One turn: ready sockets are read and their input is handled (Poller), the resulting events go to
// the core in one batch, and each touched connection is written once (Turn). The work of a turn is
// bounded (edge/work.h); the rest is done in the next turn, together with sockets that have become
// ready.
//
// Owner:  Edge.
// Thread: its own, unless a method says "any thread".
// Bounds: kReadBuffer bytes a read, Poller::kEventsPerTurn sockets a turn, and edge/work.h.
#ifndef CAIRN_EDGE_LOOP_H_
#define CAIRN_EDGE_LOOP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/task_queue.h"
#include "edge/acceptor.h"
#include "edge/connection_context.h"
#include "edge/connection_table.h"
#include "edge/edge_shared.h"
#include "edge/edge_snapshot.h"
#include "edge/handover.h"
#include "edge/lane.h"
#include "edge/link_factory.h"
#include "edge/listener.h"
#include "edge/loop_drain.h"
#include "edge/loop_figures.h"

namespace cairn::edge {

class Loop final : public LoopExecutor {
 public:
  static constexpr size_t kReadBuffer = 256 << 10;

  // `on_drain_order` is called on the loop when the core asks for the edge to be drained.
  Loop(EdgeShared& shared, LaneIdentity identity, Listener listener, LinkFactory& links,
       std::function<void()> on_drain_order);
  ~Loop();

  // New connections go to the `own` sockets of the port behind the `earlier` ones. Called before
  // Start(): see Acceptor.
  void TakeOverPort(uint32_t earlier, uint32_t own) const { acceptor_.TakeOverPort(earlier, own); }
  // Called once. The thread runs until Drain() has ended.
  void Start();
  // Any thread. Stops accepting (after `handover`, if another process serves the port), closes all
  // connections with 1001, spread over `window`, then calls `done` on the loop.
  void Drain(absl::Duration window, std::optional<Handover> handover, std::function<void()> done);
  // Called after `done`: ends the thread.
  void Join();

  const EdgeCounters& counters() const { return counters_; }  // any thread
  // Any thread, but not after Join().
  void AddTo(EdgeSnapshot& snapshot) const;

  // ---- LoopExecutor
  void Post(std::function<void()> task) override;
  void PostAfter(absl::Duration wait, std::function<void()> task) override;
  SocketWatch* sockets() override { return &poller_; }

 private:
  void Run();
  // Serves the sockets that are ready; waits for one, or for a task, if there is nothing to do.
  void ServeSockets();
  // Continues with the work that the last turns have left.
  void OnNextTurn();
  // Hands the batch to the core and settles the touched connections, until nothing is left to do.
  void FinishTurn();
  void Settle();
  // The next tick, in place of the one that is scheduled.
  void ScheduleTick();
  void OnTick();
  // Closes connections whose upgrade takes long, so that others can be accepted.
  void TurnSilentAway();

  // Borrowed; must outlive this.
  EdgeShared& shared_;
  // Loop thread only.
  TaskQueue tasks_;
  Poller poller_;
  bool joining_ = false;
  uint64_t tick_ = 0;  // the number of the one that is scheduled
  EdgeCounters counters_;
  wire::MessageReader reader_;
  Lane lane_;
  std::unique_ptr<CoreLink> link_;
  std::unique_ptr<char[]> read_buffer_;
  SpareBuffers spare_buffers_;
  PeerNames peers_;
  Turn<Connection> turn_;
  BackPressure<Connection> pressure_;
  ConnectionDeadlines<Connection> deadlines_;
  ConnectionContext context_;
  ConnectionTable connections_;
  Acceptor acceptor_;
  LoopFigures figures_;
  LoopDrain drain_;
  bool turn_due_ = false;  // OnNextTurn()
  std::thread thread_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LOOP_H_
