// Loop: one thread with its connections, its listener and its lane. A connection never leaves its
// loop.
//
// One turn: ready sockets are read and their input is handled, the resulting events go to the core
// in one batch, and each touched connection is written once. The work of a turn is bounded
// (edge/work.h); the rest is done in the next turn, together with sockets that have become ready.
//
// Owner:  Edge.
// Thread: its own, unless a method says "any thread".
// Bounds: kReadBuffer bytes a read, kEventsPerTurn sockets a turn, and edge/work.h.
#ifndef CAIRN_EDGE_LOOP_H_
#define CAIRN_EDGE_LOOP_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/random/random.h>
#include <sys/epoll.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/bearer_tokens.h"
#include "base/clock.h"
#include "base/reloadable.h"
#include "base/task_queue.h"
#include "base/tls_context.h"
#include "edge/close_log.h"
#include "edge/connection.h"
#include "edge/connection_limiter.h"
#include "edge/core_sight.h"
#include "edge/drain_schedule.h"
#include "edge/edge_snapshot.h"
#include "edge/handover.h"
#include "edge/lane.h"
#include "edge/link_factory.h"
#include "edge/listener.h"

namespace cairn::edge {

// Shared by all loops of an edge.
struct EdgeShared {
  const EdgeLimits limits;
  Reloadable<BearerTokens> tokens;
  Reloadable<TlsContext> tls;  // null: plaintext
  ConnectionLimiter connection_limiter;
  const Clock& clock;
  const ProxyTrust proxy_trust;
  const bool log_peers;
  CloseLog close_log;
  const size_t loops;
  CoreSight cores;

  // A loop's share of a bound of the whole edge.
  size_t Share(size_t bound) const { return (bound + loops - 1) / loops; }
};

class Loop final : public ConnectionHost, public LoopExecutor, private SocketWatch {
 public:
  static constexpr size_t kReadBuffer = 256 << 10;
  static constexpr int kEventsPerTurn = 512;

  // `on_drain_order` is called on the loop when the core asks for the edge to be drained.
  Loop(EdgeShared& shared, LaneIdentity identity, Listener listener, LinkFactory& links,
       std::function<void()> on_drain_order);
  ~Loop();

  // Called before Start(): new connections of the port go to the `own` sockets of this edge, and no
  // longer to the `earlier` ones.
  void TakeOverPort(uint32_t earlier, uint32_t own) const {
    Handover::TakeOver(listener_.fd(), earlier, own);
  }
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
  SocketWatch* sockets() override { return this; }

  // ---- ConnectionHost
  void Touch(Connection& connection) override;
  bool Watch(Connection& connection, uint32_t epoll_events) override;
  void AwaitPing(Connection& connection) override;
  void AwaitEnd(Connection& connection) override;
  void Retire(Connection& connection) override;
  bool ReadingPaused(Connection& connection) override;
  SessionContext& session_context() override { return session_context_; }
  std::span<char> read_buffer() override { return {read_buffer_.get(), kReadBuffer}; }
  link::PeerName NewPeer() override;
  Admission Admit(Connection& connection, const SocketAddress& client) override;
  void NoteQueued(ptrdiff_t bytes) override { queued_ += static_cast<size_t>(bytes); }
  bool QueuesFull() const override { return queued_ > max_queued_; }
  void ShortenQueues() override;
  TokenBucket::Rate message_rate() const override { return message_rate_; }
  TokenBucket::Rate delivery_rate() const override { return delivery_rate_; }
  void AwaitTokens(Connection& connection) override { rate_paused_.insert(&connection); }
  void AwaitTurn(Connection& connection) override { awaiting_turn_.push_back(&connection); }
  void NoteHeard(uint64_t work) override { heard_ += work; }
  absl::Duration Now() const override { return shared_.clock.Elapsed(); }
  absl::Time WallTime() const override { return shared_.clock.WallTime(); }
  bool draining() const override { return draining_; }
  CloseLog& close_log() override { return shared_.close_log; }

 private:
  // While draining, so that the closes are spread evenly.
  static constexpr absl::Duration kDrainTick = absl::Milliseconds(20);

  struct Slot {
    std::unique_ptr<Connection> connection;
    ConnectionLimiter::Verdict verdict;
  };

  // ---- SocketWatch
  void WatchSocket(int fd, uint32_t epoll_events, SocketListener& listener) override;
  void ForgetSocket(int fd) override;

  void Run();
  // Serves the sockets that are ready; waits for one, or for a task, if there is nothing to do.
  void ServeSockets();
  void OnReady(const epoll_event& event);
  // Continues with the work that the last turns have left.
  void OnNextTurn();
  // Hands the batch to the core and settles the touched connections, until nothing is left to do.
  void FinishTurn();
  void AcceptAll(int most);
  void Adopt(Accepted accepted);
  // Its upgrade is done, or has failed.
  void EndHandshake(Connection& connection);
  void Remove(Connection& connection);
  // Watches for new connections; when the kernel has no memory for that, the listener stays paused.
  void WatchListener();
  void SettleAll();
  // Closes a socket that did not become a connection.
  void CountRefused(CloseReason reason, const SocketAddress& peer, std::string_view error = {});
  // The next tick, in place of the one that is scheduled.
  void ScheduleTick();
  void OnTick();
  void ResumeReading();
  void ResumeWithTokens();
  void CloseListener();
  void CloseDrainShare();
  void Report(absl::Duration now);
  void SetGauges(absl::Duration now);

  // Borrowed; must outlive this.
  EdgeShared& shared_;
  // Loop thread only.
  TaskQueue tasks_;
  UniqueFd epoll_;
  bool joining_ = false;
  uint64_t tick_ = 0;  // the number of the one that is scheduled
  EdgeCounters counters_;
  EdgeGauges gauges_;
  wire::MessageReader reader_;
  Lane lane_;
  SessionContext session_context_;
  Listener listener_;
  absl::flat_hash_map<int, SocketListener*> sockets_;  // of the link, by descriptor
  std::unique_ptr<CoreLink> link_;
  std::unique_ptr<char[]> read_buffer_;
  absl::BitGen random_;
  std::vector<Slot> slots_;
  std::vector<Connection*> touched_;
  std::vector<Connection*> settling_;
  std::vector<Connection*> retired_;
  std::vector<Connection*> paused_;
  absl::flat_hash_set<Connection*> blocked_;  // all with queued data, between turns
  absl::flat_hash_set<Connection*> rate_paused_;
  size_t handshaking_ = 0;  // in handshakes_
  size_t queued_ = 0;       // memory of all queues
  const size_t max_handshaking_;
  const size_t max_queued_;
  const TokenBucket::Rate message_rate_;
  const TokenBucket::Rate delivery_rate_;
  // The ready sockets; those from next_ready_ on have not been handled yet.
  std::array<epoll_event, kEventsPerTurn> ready_events_;
  int next_ready_ = 0;
  int ready_ = 0;
  std::deque<Connection*> awaiting_turn_;  // in the order of arrival
  bool turn_due_ = false;                  // OnNextTurn()
  uint64_t heard_ = 0;                     // work of this turn
  DeadlineList<Connection> handshakes_;
  DeadlineList<Connection> pings_;
  DeadlineList<Connection> farewells_;
  bool draining_ = false;
  absl::Duration next_report_;
  absl::Duration next_queue_gauges_;
  std::optional<Handover> handover_;
  absl::Duration handover_end_;
  DrainSchedule drain_;
  absl::Duration goodbye_end_ = absl::InfiniteDuration();
  std::function<void()> drained_;
  std::thread thread_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LOOP_H_
