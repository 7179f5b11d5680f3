// AcceptorThread: the thread of GrpcAcceptor, and its data.
//
// Owner:  GrpcAcceptor.
// Thread: one of its own; Start(), Stop(): the owner's; Admit(): any.
// Bounds: AcceptorBounds.
#ifndef CAIRN_CORE_ACCEPTOR_THREAD_H_
#define CAIRN_CORE_ACCEPTOR_THREAD_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/fair_queue.h"
#include "base/thread_annotations.h"
#include "core/acceptor_listener.h"
#include "core/acceptor_log.h"
#include "core/authenticated_connections.h"
#include "core/eviction_order.h"
#include "core/grpc_acceptor.h"
#include "core/unauthenticated_connection.h"

namespace cairn::core {

class AcceptorThread {
 public:
  AcceptorThread(const GrpcSocket& socket, const Authority& authority, const ReloadableTls* tls,
                 GrpcAcceptor::HandOver hand_over, const AcceptorBounds& bounds,
                 const Clock& clock);
  void Start();
  void Stop();
  void Admit(const std::string& peer);
  const ConnectionRefusals& refused() const { return log_.refused(); }

 private:
  struct Pending {
    std::string host, peer;
    absl::Duration deadline;
    // With TLS: nothing has been received yet.
    UniqueFd arrived;
    // In plain text, or a lane's.
    UnauthenticatedConnection connection;
    bool awaits_handshake = false;  // in handshakes_, or in grpcs_handshakes_
    bool handshake_begun = false;
    // With TLS, of other clients: the same connection as gRPC's, and its state.
    UniqueFd copy;
    AuthenticatedConnections::Connection entry;
  };
  using PendingMap = std::map<uint64_t, Pending>;

  void Run();
  absl::Duration NextTime() const;
  void Accept();
  bool EvictOne(bool at_once);
  void Enter(UniqueFd fd);
  // The beginning of a TLS handshake has come.
  void BeginTls(PendingMap::iterator it);
  // gRPC is to make the handshake, as soon as it has begun with those of others.
  void AwaitGrpc(PendingMap::iterator it);
  void HandWaitingToGrpc();
  void HandToGrpc(PendingMap::iterator it);
  void AwaitHandshake(PendingMap::iterator it);
  // Takes the next one whose other side is still there; end() if there is none.
  PendingMap::iterator NextOf(FairQueue<uint64_t>& queue);
  // Steps of handshakes of lanes, at least one, for about kHandshakesPerTurn.
  void ContinueHandshakes();
  void TakeAdmitted();
  void EndLate();
  void OnEvent(uint64_t id);
  void Read(PendingMap::iterator it);
  void LetIn(PendingMap::iterator it);
  // Those that gRPC serves.
  AuthenticatedConnections& GrpcsConnections() {
    return socket_.is_unix() ? relayed_ : authenticated_;
  }
  void End(PendingMap::iterator it);
  void Forget(PendingMap::iterator it);
  bool Watch(int fd, uint32_t events, uint64_t id) const;

  // Immutable after construction.
  const GrpcSocket& socket_;
  const Authority& authority_;
  const ReloadableTls* const tls_;  // borrowed
  const GrpcAcceptor::HandOver hand_over_;
  const AcceptorBounds bounds_;
  const Clock& clock_;
  UniqueFd epoll_, wake_;

  // Its thread only.
  uint64_t next_id_ = 2;  // 0 and 1 are the listener's and wake_'s
  PendingMap unauthenticated_;
  EvictionOrder order_;
  FairQueue<uint64_t> handshakes_, grpcs_handshakes_;
  struct Handed {
    uint64_t id;
    absl::Duration since;
  };
  std::vector<Handed> handed_;    // to gRPC, which may not have begun with them
  absl::Duration next_for_grpc_;  // when that is to be looked at
  AuthenticatedConnections authenticated_, relayed_;
  AcceptorListener listener_;
  AcceptorLog log_;

  Mutex mu_;
  std::vector<std::string> admitted_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ACCEPTOR_THREAD_H_
