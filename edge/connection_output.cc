// The output of a connection, and its end.
#include <utility>

#include "edge/connection.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

void Connection::GiveUpQueue() {
  if (!write_blocked_ && !out_.empty()) return Flush();
  Close(CloseReason::kQueuesFull, 0);
}

// What a connection that is being closed still has of its input goes with this turn.
size_t Connection::InputMemory() const {
  if (phase_ != Phase::kOpen) return 0;
  return stream_.held_bytes() + (session_ ? session_->held_bytes() : 0) +
         (unheard_ ? unheard_->bytes.capacity() : 0);
}

void Connection::Account() {
  const size_t input = InputMemory();
  const size_t held = out_.memory_bytes() + input;
  if (held == queue_memory_ && input == input_memory_) return;
  context_.pressure.NoteQueued(static_cast<ptrdiff_t>(held) -
                               static_cast<ptrdiff_t>(queue_memory_));
  queue_memory_ = held;
  const bool more = input > input_memory_;
  if ((input > 0) != (input_memory_ > 0)) context_.pressure.NoteKeepsInput(*this, input > 0);
  input_memory_ = static_cast<uint32_t>(input);
  if (more) context_.pressure.ShortenQueues();
}

void Connection::Deliver(std::string_view frames) {
  if (phase_ != Phase::kOpen || reason_ || unwritable_) return;
  if (out_.size() + frames.size() <= context_.session.limits.max_queued_bytes) return Queue(frames);
  while (!frames.empty() && phase_ == Phase::kOpen && !unwritable_)
    DeliverOne(wire::TakeWsFrame(frames));
}

void Connection::DeliverOne(std::string_view frame) {
  const size_t bound = context_.session.limits.max_queued_bytes;
  if (out_.size() + frame.size() > bound) {
    // A burst within one batch is not the client's fault: first write what the socket accepts.
    Flush();
    if (phase_ != Phase::kOpen) return;
    if (out_.size() + frame.size() > bound) return Close(CloseReason::kSlowReader, 0);
  }
  Queue(frame);
}

void Connection::Queue(std::string_view frames) {
  out_.Append(frames);
  context_.turn.Touch(*this);
  Account();
  context_.pressure.ShortenQueues();
}

void Connection::Pong(std::string_view payload) {
  std::string frame;
  wire::AppendWsFrame(wire::WsOpcode::kPong, payload, frame);
  out_.AppendPong(frame);
  context_.turn.Touch(*this);
}

void Connection::Close(CloseReason reason, uint16_t peer_code) {
  if (reason_ || phase_ == Phase::kRetired) return;
  if (phase_ != Phase::kOpen) {
    // Before the upgrade a client can only be told by an HTTP answer, which StartFarewell() has
    // queued.
    if (reason == CloseReason::kDraining) refusal_ = reason;
    return;
  }
  // A client that does not read would never see a Close frame behind all the waiting data.
  if (reason == CloseReason::kSlowReader || reason == CloseReason::kQueuesFull) out_.DropWaiting();
  if (reason == CloseReason::kClientClosed) return SendClose(reason, peer_code, "");
  SendClose(reason, CloseCode(reason), Name(reason));
}

void Connection::Disconnect(uint16_t code, std::string_view words) {
  if (phase_ == Phase::kOpen && !reason_) SendClose(CloseReason::kOperator, code, words);
}

void Connection::SendClose(CloseReason reason, uint16_t code, std::string_view words) {
  std::string frame;
  wire::AppendWsClose(code, words, frame);
  out_.Append(frame);
  Account();
  close_code_ = code;
  StartFarewell(reason);
}

void Connection::StartFarewell(CloseReason reason) {
  SetReason(reason);
  phase_ = Phase::kFarewell;
  rate_paused_ = false;
  ForgetUnheard();
  context_.deadlines.AwaitEnd(*this, context_.Now());
  context_.turn.Touch(*this);
}

void Connection::Settle() {
  // Not in Close(), because the session itself, or a fan-out that iterates over it, may have called
  // that.
  if (phase_ != Phase::kOpen) session_.reset();
  Flush();
}

void Connection::Flush() {
  if (phase_ < Phase::kHttp || phase_ == Phase::kRetired) return;
  while (!write_blocked_ && !out_.empty()) {
    const Stream::Result written = stream_.Write(out_.Front());
    if (written.status == Stream::Status::kOk) {
      out_.Consume(written.bytes);
    } else if (written.status == Stream::Status::kWantWrite ||
               written.status == Stream::Status::kWantRead) {
      out_.Pin(written.bytes);
      write_blocked_ = true;
    } else if (phase_ == Phase::kOpen) {
      StopWriting(written.status);
    } else {
      return End(CloseReason::kConnectionLost);
    }
  }
  if (phase_ == Phase::kFarewell && out_.empty() && !farewell_sent_) {
    farewell_sent_ = true;
    // A client that has answered no ping never reads, and notices the end only when a send fails:
    // the Rust library. For all others a reset could lose data that they have not read yet.
    if (ping_outstanding_ && !ever_ponged_) stream_.ResetAtEnd();
    stream_.ShutdownWrite();
  }
  Account();
  UpdateInterest();
}

// What the client sent before it disconnected is still read: relays, perhaps its Close frame.
void Connection::StopWriting(Stream::Status status) {
  const bool orderly = status == Stream::Status::kClosed;
  unwritable_ = orderly ? CloseReason::kClientGone : CloseReason::kConnectionLost;
  out_.Clear();
  stream_.ShutdownRead();
}

}  // namespace cairn::edge
