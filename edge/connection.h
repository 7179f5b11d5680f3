// Connection: one client socket from accept to close: TLS, the upgrade, then a Session.
//
// Owner:  one Loop.
// Thread: that loop's.
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

#include "edge/client.h"
#include "edge/connection_context.h"
#include "edge/connection_limiter.h"
#include "edge/deadline_list.h"
#include "edge/handshake.h"
#include "edge/link_factory.h"
#include "edge/out_queue.h"
#include "edge/session.h"
#include "edge/stream.h"
#include "edge/token_bucket.h"

namespace cairn::edge {

class Connection final : public Client, public SocketListener, public DeadlineHook {
 public:
  // `verdict`: of ConnectionLimiter::Enter(). When it is a refusal, the upgrade is answered, then
  // the connection is closed with that reason.
  Connection(ConnectionContext& context, Stream stream, std::unique_ptr<Handshake> handshake,
             ConnectionLimiter::Verdict verdict);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // ---- called by the loop
  void OnSocketReady(uint32_t epoll_events) override;
  // Called once after each batch of events that touched the connection: destroys a session that has
  // ended, and writes what is queued.
  void Settle();
  // The deadline of its list has passed.
  void OnDeadline();
  void ResumeReading();
  // Continues reading, in its turn, if it has tokens again; false if it has none.
  bool ResumeWithTokens();
  // Continues with input that it has read and that had to wait for its turn.
  void TakeTurn();
  bool awaits_turn() const { return awaits_turn_; }
  // Called before the upgrade is done: closes to make room for others.
  void TurnAway() { End(CloseReason::kTooManyHandshakes); }
  // Writes what the socket accepts; if that is nothing, closes with 1013.
  void GiveUpQueue();
  // Whether GiveUpQueue() would free memory.
  bool holds_queue() const { return phase_ == Phase::kOpen && !reason_ && queue_memory_ > 0; }
  size_t queue_memory() const { return queue_memory_; }
  // Closes with 1001: at once, or once the upgrade is done. A v2 client is told to reconnect after
  // `wait`.
  void Drain(absl::Duration wait) {
    if (session_) session_->SayDraining(wait);
    Close(CloseReason::kDraining, 0);
  }
  // Drain() has nothing to do.
  bool drained() const { return phase_ >= Phase::kFarewell || refusal_.has_value(); }

  int fd() const { return stream_.fd(); }
  // The epoll events that it waits for.
  uint32_t watched() const { return watched_; }

  // ---- called by the session and the lane (Client)
  void Deliver(std::string_view frames) override;
  void Charge(uint64_t deliveries) override;
  void Pong(std::string_view payload) override;
  void OnPong(std::string_view payload) override;
  void Close(CloseReason reason, uint16_t peer_code) override;
  void Disconnect(uint16_t code, std::string_view words) override;
  size_t queued_bytes() const override { return out_.size(); }

  // Its place in the loop's table, and whether it is in the loop's list of connections to flush.
  size_t slot = 0;
  bool touched = false;
  bool in_handshake = false;  // counts towards EdgeLimits::max_handshakes

 private:
  enum class Phase : uint8_t {
    kProxy,     // PROXY header
    kTls,       // handshake
    kHttp,      // upgrade
    kOpen,      // session_ exists
    kFarewell,  // the last bytes are being sent; input is discarded
    kRetired,   // ended
  };

  void OnProxyHeader();
  void AwaitHandshake();
  void ContinueHandshake();
  void OnReadable();
  void OnHttp(std::string_view bytes);
  void Open(std::string_view early);
  void OnPingDue();
  void ForgivePing();
  // Passes on as many messages as there are tokens for and the turn allows, and stops reading when
  // no tokens are left. Returns the bytes that remain. REQUIRES: kOpen.
  std::span<char> Hear(std::span<char> bytes);
  // Hear() with the input that was kept.
  void HearUnheard();
  void KeepUnheard(std::span<char> bytes);
  // Which rate limit the connection has reached, if any; it is not read until it has tokens again.
  bool OutOfMessages() const;
  bool OutOfDeliveries() const;
  void PauseForTokens();
  void WaitForTurn();
  void ForgetUnheard();
  // Deliver() for one frame, for which the queue may have no room.
  void DeliverOne(std::string_view frame);
  void Queue(std::string_view frames);
  // How many bytes to read at once: roughly what there are tokens for.
  size_t ReadSize() const;
  // Reports the memory of its queue and of its input to the loop, which may close the connection
  // that holds most.
  void Account();
  size_t InputMemory() const;
  void Flush();
  // Nothing can be written any more; received data is still read to its end.
  void StopWriting(Stream::Status status);
  // Queues a Close frame behind the waiting data, and enters kFarewell.
  void SendClose(CloseReason reason, uint16_t code, std::string_view words);
  void StartFarewell(CloseReason reason);
  // Ends without a Close frame. Only the first reason of a connection counts.
  void End(CloseReason reason);
  void SetReason(CloseReason reason);
  void UpdateInterest();

  // Borrowed; must outlive this.
  ConnectionContext& context_;
  // Loop thread only.
  Stream stream_;
  Phase phase_;
  bool write_blocked_ = false;
  bool read_blocked_ = false;  // TLS cannot read before it has written
  bool paused_ = false;
  bool rate_paused_ = false;  // over a rate limit
  bool awaits_turn_ = false;  // in one of the loop's queues
  // v2: has been told so since it last had all its tokens.
  bool messages_told_ = false;
  bool deliveries_told_ = false;
  bool farewell_sent_ = false;
  bool ever_ponged_ = false;
  bool ping_outstanding_ = false;
  uint32_t watched_;
  uint32_t input_memory_ = 0;  // InputMemory(), as last reported to the loop
  // How it is counted, until it is destroyed.
  ConnectionLimiter::Verdict verdict_;
  // Why it is closed as soon as its upgrade is done.
  std::optional<CloseReason> refusal_;
  // Set once writing has failed: the close reason, unless reading finds a better one.
  std::optional<CloseReason> unwritable_;
  std::optional<CloseReason> reason_;
  uint16_t close_code_ = 0;
  absl::Duration pinged_at_;
  TokenBucket messages_;
  TokenBucket deliveries_;  // below 0: its relays have cost more deliveries than allowed
  // Read, but beyond the tokens or the turn.
  struct Unheard {
    std::string bytes;
    size_t begin = 0;
  };
  std::unique_ptr<Unheard> unheard_;  // null: none
  OutQueue out_;
  size_t queue_memory_ = 0;               // of out_ and input, as last reported to the loop
  std::unique_ptr<Handshake> handshake_;  // kHttp and before
  std::optional<Session> session_;        // kOpen
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CONNECTION_H_
