#include "edge/connection.h"

#include <sys/epoll.h>

#include <utility>

#include "base/log.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

Connection::Connection(ConnectionHost& host, Stream stream, std::unique_ptr<Arrival> arrival,
                       std::optional<CloseReason> refusal)
    : host_(host),
      stream_(std::move(stream)),
      phase_(stream_.tls() ? Phase::kTls : Phase::kHttp),
      watched_(EPOLLIN),
      refusal_(refusal),
      arrival_(std::move(arrival)) {
  if (!arrival_->behind_proxy || !arrival_->trust.proxy_protocol) return;
  arrival_->proxy_header.emplace();
  phase_ = Phase::kProxy;
}

Connection::~Connection() = default;

void Connection::OnReady(uint32_t epoll_events) {
  if (epoll_events & EPOLLOUT) {
    write_blocked_ = false;
    host_.Touch(*this);
    // What stood in the way of reading is written by the next read.
    if (std::exchange(read_blocked_, false)) epoll_events |= EPOLLIN;
  }
  if (phase_ == Phase::kProxy) return OnProxyHeader();
  if (phase_ == Phase::kTls) return ContinueHandshake();
  if (paused_ && (epoll_events & (EPOLLERR | EPOLLHUP))) return End(CloseReason::kConnectionLost);
  if (epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP)) OnReadable();
}

// The header is read from the socket itself and not a byte further: behind it TLS begins, which
// OpenSSL reads.
void Connection::OnProxyHeader() {
  const std::span<char> buffer = host_.read_buffer().first(ProxyProtocol::kMaxHeaderBytes);
  const Stream::Result peeked = stream_.PeekRaw(buffer);
  if (peeked.status == Stream::Status::kWantRead) return;
  if (peeked.status != Stream::Status::kOk) return End(CloseReason::kClientGone);
  std::string_view in(buffer.data(), peeked.bytes);
  const ProxyProtocol::State state = arrival_->proxy_header->Feed(in);
  stream_.DiscardRaw(buffer.first(peeked.bytes - in.size()));
  switch (state) {
    case ProxyProtocol::State::kNeedMore:
      return;
    case ProxyProtocol::State::kAbsent:
    case ProxyProtocol::State::kMalformed:
      return End(CloseReason::kBadProxyHeader);
    case ProxyProtocol::State::kDone:
      // What follows wakes the loop again: it is still in the socket.
      phase_ = stream_.tls() ? Phase::kTls : Phase::kHttp;
  }
}

void Connection::ContinueHandshake() {
  const Stream::Status status = stream_.Handshake();
  switch (status) {
    case Stream::Status::kOk:
      phase_ = Phase::kHttp;
      write_blocked_ = false;
      UpdateInterest();
      return OnReadable();
    case Stream::Status::kWantRead:
    case Stream::Status::kWantWrite:
      write_blocked_ = status == Stream::Status::kWantWrite;
      return UpdateInterest();
    case Stream::Status::kClosed:
    case Stream::Status::kLost:
      return End(CloseReason::kTlsFailed);
  }
}

void Connection::OnReadable() {
  do {
    if (phase_ == Phase::kOpen && host_.ReadingPaused(*this)) {
      paused_ = true;
      return UpdateInterest();
    }
    const std::span<char> buffer = host_.read_buffer();
    const Stream::Result read = stream_.Read(buffer);
    if (read.status == Stream::Status::kWantRead) return;
    if (read.status == Stream::Status::kWantWrite) {
      // There is more to read, which must wait: watching for it would spin.
      read_blocked_ = true;
      return UpdateInterest();
    }
    if (read.status != Stream::Status::kOk) {
      const bool orderly = read.status == Stream::Status::kClosed;
      return End(orderly ? unwritable_.value_or(CloseReason::kClientGone)
                         : CloseReason::kConnectionLost);
    }
    switch (phase_) {
      case Phase::kHttp:
        OnHttp({buffer.data(), read.bytes});
        break;
      case Phase::kOpen:
        session_->OnBytes(buffer.first(read.bytes));
        break;
      case Phase::kProxy:
      case Phase::kTls:
      case Phase::kFarewell:
      case Phase::kRetired:
        break;
    }
  } while (phase_ != Phase::kRetired && stream_.HasPending());
}

void Connection::OnHttp(std::string_view bytes) {
  Upgrade& upgrade = arrival_->upgrade;
  const Upgrade::State state = upgrade.Feed(bytes);
  if (state == Upgrade::State::kNeedMore) return;
  out_.AppendRaw(upgrade.answer());
  host_.Touch(*this);
  if (state == Upgrade::State::kAccepted) return Open(bytes);
  log::Debug(log::Edge(), "upgrade_refused", {{"status", upgrade.status()}});
  StartFarewell(upgrade.reason());
}

void Connection::Open(std::string_view early) {
  phase_ = Phase::kOpen;
  Lane::PeerFacts facts;
  facts.connected_since_us = absl::ToUnixMicros(host_.WallTime());
  const SocketAddress client = arrival_->Client();
  facts.remote_address = client.ToString();
  facts.user_agent = arrival_->upgrade.user_agent();
  facts.tls_version = stream_.tls_version();
  facts.dialect = arrival_->upgrade.dialect();
  if (arrival_->behind_proxy && !refusal_) refusal_ = host_.Identify(*this, client);
  if (refusal_) return Close(*refusal_, 0);
  if (host_.draining()) return Close(CloseReason::kDraining, 0);
  arrival_.reset();
  session_.emplace(host_.session_context(), *this, host_.NewPeerId(), std::move(facts));
  host_.AwaitPing(*this);
  // They stand in the loop's read buffer, behind the request.
  if (!early.empty()) session_->OnBytes({const_cast<char*>(early.data()), early.size()});
}

void Connection::Deliver(std::string_view frame) {
  if (phase_ != Phase::kOpen || reason_ || unwritable_) return;
  const size_t bound = host_.session_context().limits.max_queued_bytes;
  if (out_.size() + frame.size() > bound) {
    // A burst within one batch is not the reader's fault: what it can take is written first.
    Flush();
    if (phase_ != Phase::kOpen) return;
    if (out_.size() + frame.size() > bound) return Close(CloseReason::kSlowReader, 0);
  }
  out_.Append(frame);
  host_.Touch(*this);
}

void Connection::Pong(std::string_view payload) {
  std::string frame;
  wire::AppendWsFrame(wire::WsOpcode::kPong, payload, frame);
  out_.AppendPong(frame);
  host_.Touch(*this);
}

void Connection::OnPong(std::string_view) {
  // One that nobody asked for says nothing (RFC 6455 5.5.3).
  if (!std::exchange(ping_outstanding_, false)) return;
  ever_ponged_ = true;
  if (session_) session_->NoteRtt(host_.Now() - pinged_at_);
}

void Connection::Close(CloseReason reason, uint16_t peer_code) {
  if (reason_ || phase_ == Phase::kRetired) return;
  if (phase_ != Phase::kOpen) {
    // Before the upgrade there is nobody to tell but by an HTTP answer, which StartFarewell() has
    // queued.
    if (reason == CloseReason::kDraining) refusal_ = reason;
    return;
  }
  // Who does not read would not see the Close behind all that waits.
  if (reason == CloseReason::kSlowReader) out_.DropWaiting();
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
  close_code_ = code;
  StartFarewell(reason);
}

void Connection::StartFarewell(CloseReason reason) {
  SetReason(reason);
  phase_ = Phase::kFarewell;
  host_.AwaitEnd(*this);
  host_.Touch(*this);
}

void Connection::End(CloseReason reason) {
  if (phase_ == Phase::kRetired) return;
  SetReason(reason);
  phase_ = Phase::kRetired;
  host_.Retire(*this);
}

void Connection::SetReason(CloseReason reason) {
  if (reason_) return;
  reason_ = reason;
  SessionContext& context = host_.session_context();
  context.counters.Count(reason);
  host_.close_log().Note(reason, reason == CloseReason::kTlsFailed ? Stream::LastTlsError() : "");
  if (session_) return session_->End(close_code_, Name(reason));
  context.counters.CountRefusal(reason);
  if (context.log_peers && arrival_) {
    log::Info(log::Edge(), "peer_refused",
              {{"remote", arrival_->Client().ToString()}, {"reason", Name(reason)}});
  }
}

void Connection::Settle() {
  // Here and not in Close(), which the session itself, or a fan-out that walks over it, may have
  // called.
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
    stream_.ShutdownWrite();
  }
  UpdateInterest();
}

// What the client has said before it went is still to be read: relays, perhaps its Close frame.
void Connection::StopWriting(Stream::Status status) {
  const bool orderly = status == Stream::Status::kClosed;
  unwritable_ = orderly ? CloseReason::kClientGone : CloseReason::kConnectionLost;
  out_ = OutQueue();
  stream_.ShutdownRead();
}

void Connection::UpdateInterest() {
  const uint32_t wanted = (paused_ || read_blocked_ ? 0u : uint32_t{EPOLLIN}) |
                          (write_blocked_ || read_blocked_ ? uint32_t{EPOLLOUT} : 0u);
  if (wanted == watched_ || phase_ == Phase::kRetired) return;
  watched_ = wanted;
  host_.Watch(*this, wanted);
}

void Connection::ResumeReading() {
  paused_ = false;
  UpdateInterest();
}

void Connection::OnDeadline() {
  switch (phase_) {
    case Phase::kProxy:
    case Phase::kTls:
      return End(CloseReason::kHandshakeTimeout);
    case Phase::kHttp:
      out_.AppendRaw(Upgrade::TimeoutAnswer());
      return StartFarewell(CloseReason::kHandshakeTimeout);
    case Phase::kOpen:
      return OnPingDue();
    case Phase::kFarewell:
      return End(*reason_);
    case Phase::kRetired:
      return;
  }
}

void Connection::OnPingDue() {
  host_.AwaitPing(*this);
  // A peer that never ponged may be one that never reads (PROTOCOL.md "Clients that do not read");
  // while reading is paused its pong waits in the socket.
  if (ping_outstanding_ && ever_ponged_ && !paused_) return Close(CloseReason::kPongTimeout, 0);
  std::string frame;
  wire::AppendWsFrame(wire::WsOpcode::kPing, "", frame);
  if (out_.size() + frame.size() > host_.session_context().limits.max_queued_bytes) return;
  out_.Append(frame);
  host_.session_context().counters.pings_sent.Add();
  ping_outstanding_ = true;
  pinged_at_ = host_.Now();
  host_.Touch(*this);
}

}  // namespace cairn::edge
