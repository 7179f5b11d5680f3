#include "edge/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

Connection::Connection(ConnectionContext& context, Stream stream,
                       std::unique_ptr<Handshake> handshake, ConnectionLimiter::Verdict verdict)
    : context_(context),
      stream_(std::move(stream)),
      phase_(stream_.tls() ? Phase::kTls : Phase::kHttp),
      watched_(EPOLLIN),
      verdict_(std::move(verdict)),
      refusal_(verdict_.refusal),
      messages_(context.message_rate),
      deliveries_(context.delivery_rate),
      out_(context.spare_buffers),
      handshake_(std::move(handshake)) {
  if (!handshake_->behind_proxy || !handshake_->trust.proxy_protocol) return;
  handshake_->proxy_header.emplace();
  phase_ = Phase::kProxy;
}

Connection::~Connection() { context_.limiter.Leave(verdict_); }

void Connection::OnSocketReady(uint32_t epoll_events) {
  if (phase_ == Phase::kRetired) return;
  if (epoll_events & EPOLLOUT) {
    write_blocked_ = false;
    context_.turn.Touch(*this);
    // The data that blocked reading is written by the next read.
    if (std::exchange(read_blocked_, false)) epoll_events |= EPOLLIN;
  }
  if (phase_ == Phase::kProxy) return OnProxyHeader();
  if (phase_ == Phase::kTls) return AwaitHandshake();
  if ((paused_ || rate_paused_) && (epoll_events & (EPOLLERR | EPOLLHUP)))
    return End(CloseReason::kConnectionLost);
  if (epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP)) OnReadable();
}

// Reads the header from the socket and not a byte more: TLS data follows, which OpenSSL reads.
void Connection::OnProxyHeader() {
  const std::span<char> buffer = context_.read_buffer.first(ProxyProtocol::kMaxHeaderBytes);
  const Stream::Result peeked = stream_.PeekRaw(buffer);
  if (peeked.status == Stream::Status::kWantRead) return;
  if (peeked.status != Stream::Status::kOk) return End(CloseReason::kClientGone);
  std::string_view in(buffer.data(), peeked.bytes);
  const ProxyProtocol::State state = handshake_->proxy_header->Feed(in);
  stream_.DiscardRaw(buffer.first(peeked.bytes - in.size()));
  switch (state) {
    case ProxyProtocol::State::kNeedMore:
      return;
    case ProxyProtocol::State::kAbsent:
    case ProxyProtocol::State::kMalformed:
      return End(CloseReason::kBadProxyHeader);
    case ProxyProtocol::State::kDone:
      // Later bytes are still in the socket and wake the loop again.
      phase_ = stream_.tls() ? Phase::kTls : Phase::kHttp;
  }
}

void Connection::AwaitHandshake() {
  if (std::exchange(awaits_turn_, true)) return;
  context_.turn.AwaitHandshake(*this, handshake_->Client().Network(), stream_.HasAnswered());
}

void Connection::ContinueHandshake() {
  const absl::Duration began = context_.Now();
  const Stream::Status status = stream_.Handshake();
  // With a long RSA key it takes some milliseconds.
  context_.turn.NoteHeard(std::max(kHandshakeWork, WorkOf(context_.Now() - began)));
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
    // A socket that was ready before it was paused may still be in this pass.
    if (rate_paused_ || awaits_turn_ || (paused_ && phase_ == Phase::kOpen)) return;
    if (phase_ == Phase::kOpen && context_.pressure.Pauses(*this)) {
      paused_ = true;
      return UpdateInterest();
    }
    const std::span<char> buffer = context_.read_buffer.first(ReadSize());
    if (session_) session_->PrefetchMember();
    const Stream::Result read = stream_.Read(buffer);
    if (read.status == Stream::Status::kWantRead) return Account();
    if (read.status == Stream::Status::kWantWrite) {
      // There is more to read, but it must wait: watching for it would spin.
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
        KeepUnheard(Hear(buffer.first(read.bytes)));
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
  context_.turn.NoteHeard(kUpgradeWork);
  Upgrade& upgrade = handshake_->upgrade;
  const Upgrade::State state = upgrade.Feed(bytes);
  if (state == Upgrade::State::kNeedMore) return;
  out_.AppendRaw(upgrade.answer());
  context_.turn.Touch(*this);
  if (state == Upgrade::State::kAccepted) return Open(bytes);
  log::Debug(log::Edge(), "upgrade_refused", {{"status", upgrade.status()}});
  StartFarewell(upgrade.reason());
}

void Connection::Open(std::string_view early) {
  phase_ = Phase::kOpen;
  Lane::PeerFacts facts;
  facts.connected_since_us = absl::ToUnixMicros(context_.clock.WallTime());
  const SocketAddress client = handshake_->Client();
  facts.remote_address = client.ToString();
  facts.user_agent = handshake_->upgrade.user_agent();
  facts.tls_version = stream_.tls_version();
  facts.dialect = handshake_->upgrade.dialect();
  if (!refusal_) {
    context_.limiter.Admit(client.Network(), verdict_);
    refusal_ = verdict_.refusal;
    if (verdict_.overflow) return End(*refusal_);
  }
  if (refusal_) return Close(*refusal_, 0);
  if (context_.draining) return Close(CloseReason::kDraining, 0);
  handshake_.reset();
  const link::PeerName peer = context_.peers.New();
  facts.proof = peer.proof;
  session_.emplace(context_.session, *this, peer.id, std::move(facts));
  context_.deadlines.AwaitPing(*this, context_.Now());
  // They are in the loop's read buffer, after the request.
  if (!early.empty()) KeepUnheard(Hear({const_cast<char*>(early.data()), early.size()}));
}

void Connection::OnPong(std::string_view) {
  // An unsolicited pong needs no reaction (RFC 6455 5.5.3).
  if (!std::exchange(ping_outstanding_, false)) return;
  ever_ponged_ = true;
  if (session_) session_->NoteRtt(context_.Now() - pinged_at_);
}

void Connection::End(CloseReason reason) {
  if (phase_ == Phase::kRetired) return;
  SetReason(reason);
  phase_ = Phase::kRetired;
  context_.deadlines.EndHandshake(*this);
  context_.turn.Retire(*this);
}

void Connection::SetReason(CloseReason reason) {
  if (reason_) return;
  reason_ = reason;
  SessionContext& session = context_.session;
  session.counters.Count(reason);
  context_.close_log.Note(reason, reason == CloseReason::kTlsFailed ? Stream::LastTlsError() : "");
  if (session_) return session_->End(close_code_, Name(reason));
  session.counters.CountRefusal(reason);
  if (session.log_peers && handshake_) {
    log::Info(log::Edge(), "peer_refused",
              {{"remote", handshake_->Client().ToString()}, {"reason", Name(reason)}});
  }
}

void Connection::UpdateInterest() {
  const bool no_reading = paused_ || rate_paused_ || read_blocked_;
  const uint32_t wanted = (no_reading ? 0u : uint32_t{EPOLLIN}) |
                          (write_blocked_ || read_blocked_ ? uint32_t{EPOLLOUT} : 0u);
  if (wanted == watched_ || phase_ == Phase::kRetired) return;
  watched_ = wanted;
  if (!context_.poller.Change(fd(), wanted, *this)) return End(CloseReason::kConnectionLost);
  context_.pressure.NoteBlocked(*this, (wanted & EPOLLOUT) != 0);
}

void Connection::ResumeReading() {
  paused_ = false;
  ForgivePing();
  UpdateInterest();
  WaitForTurn();
}

// Its pong may wait in the socket, behind what is read only now: the next ping is the one that it
// must answer.
void Connection::ForgivePing() {
  if (ever_ponged_) ping_outstanding_ = false;
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
  context_.deadlines.AwaitPing(*this, context_.Now());
  // A client that never sent a pong may be one that never reads (PROTOCOL.md "Keeping a
  // connection"); while reading is paused, its pong waits in the socket.
  if (ping_outstanding_ && ever_ponged_ && !paused_ && !rate_paused_)
    return Close(CloseReason::kPongTimeout, 0);
  std::string frame;
  wire::AppendWsFrame(wire::WsOpcode::kPing, "", frame);
  if (out_.size() + frame.size() > context_.session.limits.max_queued_bytes) return;
  out_.Append(frame);
  context_.session.counters.pings_sent.Add();
  ping_outstanding_ = true;
  pinged_at_ = context_.Now();
  context_.turn.Touch(*this);
}

}  // namespace cairn::edge
