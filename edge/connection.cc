#include "edge/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

Connection::Connection(ConnectionHost& host, Stream stream, std::unique_ptr<Handshake> handshake,
                       std::optional<CloseReason> refusal)
    : host_(host),
      stream_(std::move(stream)),
      phase_(stream_.tls() ? Phase::kTls : Phase::kHttp),
      watched_(EPOLLIN),
      refusal_(refusal),
      messages_(host.message_rate()),
      deliveries_(host.delivery_rate()),
      handshake_(std::move(handshake)) {
  if (!handshake_->behind_proxy || !handshake_->trust.proxy_protocol) return;
  handshake_->proxy_header.emplace();
  phase_ = Phase::kProxy;
}

Connection::~Connection() = default;

void Connection::OnReady(uint32_t epoll_events) {
  if (epoll_events & EPOLLOUT) {
    write_blocked_ = false;
    host_.Touch(*this);
    // The data that blocked reading is written by the next read.
    if (std::exchange(read_blocked_, false)) epoll_events |= EPOLLIN;
  }
  if (phase_ == Phase::kProxy) return OnProxyHeader();
  if (phase_ == Phase::kTls) return ContinueHandshake();
  if ((paused_ || rate_paused_) && (epoll_events & (EPOLLERR | EPOLLHUP)))
    return End(CloseReason::kConnectionLost);
  if (epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP)) OnReadable();
}

// Reads the header from the socket and not a byte more: TLS data follows, which OpenSSL reads.
void Connection::OnProxyHeader() {
  const std::span<char> buffer = host_.read_buffer().first(ProxyProtocol::kMaxHeaderBytes);
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

void Connection::ContinueHandshake() {
  host_.NoteHeard(kHandshakeWork);
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
    if (rate_paused_ || awaits_turn_) return;
    if (phase_ == Phase::kOpen && host_.ReadingPaused(*this)) {
      paused_ = true;
      return UpdateInterest();
    }
    const std::span<char> buffer = host_.read_buffer().first(ReadSize());
    const Stream::Result read = stream_.Read(buffer);
    if (read.status == Stream::Status::kWantRead) return;
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
  host_.NoteHeard(kUpgradeWork);
  Upgrade& upgrade = handshake_->upgrade;
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
  const SocketAddress client = handshake_->Client();
  facts.remote_address = client.ToString();
  facts.user_agent = handshake_->upgrade.user_agent();
  facts.tls_version = stream_.tls_version();
  facts.dialect = handshake_->upgrade.dialect();
  if (!refusal_) {
    const ConnectionHost::Admission admission = host_.Admit(*this, client);
    refusal_ = admission.refusal;
    if (admission.overflow) return End(*refusal_);
  }
  if (refusal_) return Close(*refusal_, 0);
  if (host_.draining()) return Close(CloseReason::kDraining, 0);
  handshake_.reset();
  const link::PeerName peer = host_.NewPeer();
  facts.proof = peer.proof;
  session_.emplace(host_.session_context(), *this, peer.id, std::move(facts));
  host_.AwaitPing(*this);
  // They are in the loop's read buffer, after the request.
  if (!early.empty()) KeepUnheard(Hear({const_cast<char*>(early.data()), early.size()}));
}

void Connection::OnPong(std::string_view) {
  // An unsolicited pong needs no reaction (RFC 6455 5.5.3).
  if (!std::exchange(ping_outstanding_, false)) return;
  ever_ponged_ = true;
  if (session_) session_->NoteRtt(host_.Now() - pinged_at_);
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
  if (context.log_peers && handshake_) {
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
  if (!host_.Watch(*this, wanted)) End(CloseReason::kConnectionLost);
}

void Connection::ResumeReading() {
  paused_ = false;
  UpdateInterest();
  WaitForTurn();
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
  // A client that never sent a pong may be one that never reads (PROTOCOL.md "Keeping a
  // connection"); while reading is paused, its pong waits in the socket.
  if (ping_outstanding_ && ever_ponged_ && !paused_ && !rate_paused_)
    return Close(CloseReason::kPongTimeout, 0);
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
