// Connection: one client socket from accept to close: TLS, the upgrade, then a Session.
//
// Owner:  one Loop. Thread: that loop's (asserted by the loop's epoll set being its own).
// Bounds: EdgeLimits. Idle, an open plaintext connection holds about 700 bytes besides its topics.
// Errors: ends with exactly one CloseReason, counted once.
#ifndef CAIRN_EDGE_CONNECTION_H_
#define CAIRN_EDGE_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edge/arrival.h"
#include "edge/client.h"
#include "edge/close_log.h"
#include "edge/deadline_list.h"
#include "edge/out_queue.h"
#include "edge/session.h"
#include "edge/stream.h"
#include "edge/token_bucket.h"
#include "edge/work.h"
#include "proto/link/identity.h"

namespace cairn::edge {

class Connection;

// What a connection needs of its loop.
class ConnectionHost {
 public:
  // Settle() is wanted before the loop sleeps.
  virtual void Touch(Connection& connection) = 0;
  // The epoll events the connection wants from now on. False when the kernel has no memory for it.
  virtual bool Watch(Connection& connection, uint32_t epoll_events) = 0;
  // The connection begins to wait for its next deadline in another list.
  virtual void AwaitPing(Connection& connection) = 0;
  virtual void AwaitEnd(Connection& connection) = 0;
  // It is over: destroy it once the current batch of events has been handled.
  virtual void Retire(Connection& connection) = 0;
  // Reading must wait: the core does not keep up. The loop resumes it.
  virtual bool ReadingPaused(Connection& connection) = 0;

  virtual SessionContext& session_context() = 0;
  virtual std::span<char> read_buffer() = 0;
  virtual link::PeerName NewPeer() = 0;
  struct Admission {
    std::optional<CloseReason> refusal;
    bool overflow = false;  // too many are being refused already: close without a Close frame
  };
  // Its upgrade is done. REQUIRES: it has not been refused.
  virtual Admission Admit(Connection& connection, const SocketAddress& client) = 0;
  // What its queue holds has changed by so much.
  virtual void NoteQueued(ptrdiff_t bytes) = 0;
  // All queues together hold too much: the longest must go. Only from Client::Deliver().
  virtual bool QueuesFull() const = 0;
  virtual void ShortenQueues() = 0;
  // Of each connection; and the connection waits for tokens.
  virtual TokenBucket::Rate message_rate() const = 0;
  virtual TokenBucket::Rate delivery_rate() const = 0;
  virtual void AwaitTokens(Connection& connection) = 0;
  // TakeTurn() is wanted: others come first.
  virtual void AwaitTurn(Connection& connection) = 0;
  // What this turn has taken to hear connections (edge/work.h).
  virtual void NoteHeard(uint64_t work) = 0;
  virtual absl::Duration Now() const = 0;
  virtual absl::Time WallTime() const = 0;
  virtual bool draining() const = 0;
  virtual CloseLog& close_log() = 0;

 protected:
  ~ConnectionHost() = default;
};

class Connection final : public Client, public DeadlineHook {
 public:
  // `refusal`: the edge is full; the upgrade is answered, then the connection closed with this
  // reason.
  Connection(ConnectionHost& host, Stream stream, std::unique_ptr<Arrival> arrival,
             std::optional<CloseReason> refusal);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // ---- from the loop
  void OnReady(uint32_t epoll_events);
  // The batch in which it was touched is over: lets go of a session that has ended, writes what is
  // queued.
  void Settle();
  // The deadline of the list it is in has passed.
  void OnDeadline();
  void ResumeReading();
  // Reads on, in its turn, if it has tokens again; false: it has not.
  bool ResumeWithTokens();
  // Goes on with what it has read, and no other could wait for.
  void TakeTurn();
  bool awaits_turn() const { return awaits_turn_; }
  // Before the upgrade is done: makes room for others.
  void TurnAway() { End(CloseReason::kTooManyHandshakes); }
  // Writes what the socket takes; if that is nothing, closes with 1013.
  void GiveUpQueue();
  // GiveUpQueue() would free something.
  bool holds_queue() const { return phase_ == Phase::kOpen && !reason_ && queue_memory_ > 0; }
  size_t queue_memory() const { return queue_memory_; }
  // Closes with 1001 once the upgrade is done; at once if it is. Who understands it is told to come
  // back after `wait`.
  void Drain(absl::Duration wait) {
    if (session_) session_->SayDraining(wait);
    Close(CloseReason::kDraining, 0);
  }
  // Nothing is left for Drain() to do.
  bool drained() const { return phase_ >= Phase::kFarewell || refusal_.has_value(); }

  int fd() const { return stream_.fd(); }
  bool retired() const { return phase_ == Phase::kRetired; }

  // ---- from the session and the lane (Client)
  void Deliver(std::string_view frame) override;
  void Charge(uint64_t deliveries) override;
  void Pong(std::string_view payload) override;
  void OnPong(std::string_view payload) override;
  void Close(CloseReason reason, uint16_t peer_code) override;
  void Disconnect(uint16_t code, std::string_view words) override;
  size_t queued_bytes() const override { return out_.size(); }

  // Where the loop keeps it, and whether it is in the loop's list of those to flush.
  size_t slot = 0;
  bool touched = false;
  bool arriving = false;  // counts for EdgeLimits::max_handshakes

 private:
  enum class Phase : uint8_t {
    kProxy,     // PROXY header
    kTls,       // handshake
    kHttp,      // upgrade
    kOpen,      // session_ lives
    kFarewell,  // our last bytes are on their way; what comes in is thrown away
    kRetired,   // over
  };

  void OnProxyHeader();
  void ContinueHandshake();
  void OnReadable();
  void OnHttp(std::string_view bytes);
  void Open(std::string_view early);
  void OnPingDue();
  // Gives the session as many messages as there are tokens for and a turn allows, and stops reading
  // when no tokens are left. What is left of the bytes. REQUIRES: kOpen.
  std::span<char> Hear(std::span<char> bytes);
  // Hear() of what was kept.
  void HearUnheard();
  void KeepUnheard(std::span<char> bytes);
  // Which limit the connection has reached, if any; and it is not read until it has tokens again.
  bool OutOfMessages() const;
  bool OutOfDeliveries() const;
  void PauseForTokens();
  void WaitForTurn();
  void ForgetUnheard();
  // How much to read at once: what there are tokens for, roughly.
  size_t ReadSize() const;
  // Tells the loop what the queues hold now.
  void Account();
  void Flush();
  // Nothing can be written any more; what has come is read to its end.
  void StopWriting(Stream::Status status);
  // Sends a Close frame behind what is queued, and starts the farewell.
  void SendClose(CloseReason reason, uint16_t code, std::string_view words);
  void StartFarewell(CloseReason reason);
  // Ends without more words. Only the first reason of a connection counts.
  void End(CloseReason reason);
  void SetReason(CloseReason reason);
  void UpdateInterest();

  // Borrowed; must outlive this.
  ConnectionHost& host_;
  // Loop thread only.
  Stream stream_;
  Phase phase_;
  bool write_blocked_ = false;
  bool read_blocked_ = false;  // TLS cannot read before it has written
  bool paused_ = false;
  bool rate_paused_ = false;  // says too much
  bool awaits_turn_ = false;  // of the loop
  // v2: since it last had all its tokens.
  bool messages_told_ = false;
  bool deliveries_told_ = false;
  bool farewell_sent_ = false;
  bool ever_ponged_ = false;
  bool ping_outstanding_ = false;
  uint32_t watched_;
  std::optional<CloseReason> refusal_;
  // Set once writing has failed: the reason if nothing better is read.
  std::optional<CloseReason> unwritable_;
  std::optional<CloseReason> reason_;
  uint16_t close_code_ = 0;
  absl::Duration pinged_at_;
  TokenBucket messages_;
  TokenBucket deliveries_;  // below 0: others have been handed more than it may say
  std::string unheard_;     // read, but beyond the tokens or the turn
  size_t unheard_begin_ = 0;
  OutQueue out_;
  size_t queue_memory_ = 0;           // of out_ and unheard_, as the loop knows it
  std::unique_ptr<Arrival> arrival_;  // kHttp and before
  std::optional<Session> session_;    // kOpen
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CONNECTION_H_
