#include "edge/loop.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "proto/link/timing.h"

namespace cairn::edge {
namespace {

// How late a deadline may be noticed, and the interval at which a paused listener tries again.
constexpr absl::Duration kTick = absl::Milliseconds(100);
// A connection whose upgrade takes longer is closed when no more can be accepted.
constexpr absl::Duration kSilenceWithoutDescriptors = absl::Seconds(1);
// Connections accepted in a row before open ones are served.
constexpr int kAcceptsPerTurn = 128;

// The data of a descriptor in epoll: a Connection*, whose lowest bit is 0; null for the listener;
// or the number of a socket of the link, because that may have been closed before it is handled.
// The queue of tasks, which is watched only to end a wait, is such a number.
uint64_t TagOfSocket(int fd) { return static_cast<uint64_t>(fd) << 1 | 1; }
bool IsSocketTag(uint64_t tag) { return tag & 1; }
int SocketOfTag(uint64_t tag) { return static_cast<int>(tag >> 1); }

}  // namespace

Loop::Loop(EdgeShared& shared, LaneIdentity identity, Listener listener, LinkFactory& links,
           std::function<void()> on_drain_order)
    : shared_(shared),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      lane_(std::move(identity), shared.limits, counters_, shared.clock),
      session_context_{lane_, shared.limits, counters_, reader_, shared.log_peers},
      listener_(std::move(listener)),
      link_(links.NewLink(lane_.identity(), lane_, *this)),
      read_buffer_(std::make_unique<char[]>(kReadBuffer)),
      max_handshaking_(shared.Share(shared.limits.max_handshakes)),
      max_queued_(shared.Share(shared.limits.max_queued_total)),
      message_rate_{
          static_cast<double>(shared.limits.rate_messages),
          static_cast<double>(shared.limits.rate_messages * shared.limits.rate_burst_factor)},
      delivery_rate_{static_cast<double>(shared.limits.rate_deliveries),
                     static_cast<double>(shared.limits.rate_deliveries *
                                         shared.limits.deliveries_burst_factor)},
      handshakes_(shared.limits.handshake_timeout),
      pings_(shared.limits.ping_interval),
      farewells_(shared.limits.close_timeout) {
  lane_.Connect(link_.get());
  lane_.SetOrders({std::move(on_drain_order), [](const std::string& directives) {
                     log::Info(log::Edge(), "log_level", {{"directives", log::Text(directives)}});
                     InitLog(LogFilter::Parse(directives));
                   }});
  epoll_event woken = {};
  woken.events = EPOLLIN | EPOLLET;
  woken.data.u64 = TagOfSocket(tasks_.wake_fd());
  CAIRN_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, tasks_.wake_fd(), &woken) == 0);
  WatchListener();
}

Loop::~Loop() { CAIRN_CHECK(!thread_.joinable()); }

void Loop::Start() {
  ScheduleTick();
  thread_ = std::thread([this] {
    Run();
    slots_.clear();
    link_.reset();
  });
}

void Loop::Join() {
  tasks_.Post([this] { joining_ = true; });
  thread_.join();
}

void Loop::Post(std::function<void()> task) { tasks_.Post(std::move(task)); }

void Loop::PostAfter(absl::Duration wait, std::function<void()> task) {
  tasks_.PostAfter(wait, std::move(task));
}

// ---- one turn

// The work that a turn has left and sockets that have become ready alternate.
void Loop::Run() {
  while (!joining_) {
    ServeSockets();
    tasks_.RunDue([this] { FinishTurn(); });
    if (std::exchange(turn_due_, false)) OnNextTurn();
  }
}

void Loop::ServeSockets() {
  // Those left from the last turn first, or busy connections would always come before them.
  if (next_ready_ >= ready_) {
    const int wait_ms = turn_due_ ? 0 : tasks_.MillisecondsToSleep();
    ready_ = epoll_wait(epoll_.get(), ready_events_.data(), kEventsPerTurn, wait_ms);
    next_ready_ = 0;
  }
  if (next_ready_ >= ready_) return;
  lane_.SetReadTime(absl::ToUnixMicros(shared_.clock.WallTime()));
  while (next_ready_ < ready_ && heard_ < kHearingPerTurn) {
    const epoll_event& event = ready_events_[static_cast<size_t>(next_ready_++)];
    if (event.events != 0) OnReady(event);  // 0: closed meanwhile
  }
  FinishTurn();
}

void Loop::OnReady(const epoll_event& event) {
  if (event.data.ptr == nullptr) return AcceptAll(kAcceptsPerTurn);
  if (IsSocketTag(event.data.u64)) {
    const auto socket = sockets_.find(SocketOfTag(event.data.u64));
    if (socket != sockets_.end()) socket->second->OnSocketReady(event.events);
    return;
  }
  auto* connection = static_cast<Connection*>(event.data.ptr);
  if (!connection->retired()) connection->OnReady(event.events);
}

void Loop::WatchSocket(int fd, uint32_t epoll_events, SocketListener& listener) {
  const bool is_new = sockets_.insert_or_assign(fd, &listener).second;
  epoll_event event = {};
  event.events = epoll_events;
  event.data.u64 = TagOfSocket(fd);
  CAIRN_CHECK(epoll_ctl(epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::ForgetSocket(int fd) {
  if (sockets_.erase(fd) == 0) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::OnNextTurn() {
  lane_.SetReadTime(absl::ToUnixMicros(shared_.clock.WallTime()));
  lane_.DeliverWaiting();
  for (size_t left = awaiting_turn_.size(); left > 0 && heard_ < kHearingPerTurn; --left) {
    // Only FinishTurn() removes connections from the queue.
    Connection* connection = awaiting_turn_.front();
    awaiting_turn_.pop_front();
    connection->TakeTurn();
  }
  FinishTurn();
}

void Loop::FinishTurn() {
  SettleAll();
  if (!paused_.empty() && !lane_.congested()) {
    ResumeReading();
    SettleAll();
  }
  heard_ = 0;
  lane_.EndTurn();
  turn_due_ = !awaiting_turn_.empty() || lane_.has_waiting();
}

void Loop::SettleAll() {
  lane_.Flush();
  while (!touched_.empty() || !retired_.empty()) {
    settling_.swap(touched_);
    for (Connection* connection : settling_) {
      connection->touched = false;
      connection->Settle();
    }
    settling_.clear();
    for (Connection* connection : retired_) Remove(*connection);
    retired_.clear();
    lane_.Flush();
  }
}

void Loop::Touch(Connection& connection) {
  if (connection.touched) return;
  connection.touched = true;
  lane_.AddWork(kWriteWork);
  touched_.push_back(&connection);
}

// ---- connections are opened and closed

void Loop::AcceptAll(int most) {
  while (most-- > 0) {
    std::optional<Accepted> accepted = listener_.Accept();
    if (!accepted) break;
    Adopt(*std::move(accepted));
  }
  // Level-triggered: a listener that cannot accept would spin.
  if (listener_.paused()) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.fd(), nullptr);
}

void Loop::WatchListener() {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the listener
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.fd(), &event) != 0) listener_.Pause();
}

void Loop::Adopt(Accepted accepted) {
  counters_.accepted.Add();
  Slot slot;
  auto handshake =
      std::make_unique<Handshake>(accepted.peer, shared_.proxy_trust, shared_.tokens.Get(),
                                  shared_.limits.max_request_head_bytes);
  slot.verdict =
      shared_.connection_limiter.Enter(handshake->behind_proxy ? "" : accepted.peer.Host());
  if (slot.verdict.overflow) return CountRefused(*slot.verdict.refusal, accepted.peer);
  const int fd = accepted.fd.get();
  Stream::SetOptions(fd, shared_.limits.tcp_user_timeout);
  SslPtr ssl;
  if (const std::shared_ptr<const TlsContext> tls = shared_.tls.Get()) {
    ssl = tls->NewServerConnection(fd);
    if (!ssl) {
      shared_.connection_limiter.Leave(slot.verdict);
      return CountRefused(CloseReason::kTlsFailed, accepted.peer);
    }
  }
  slot.connection =
      std::make_unique<Connection>(*this, Stream(std::move(accepted.fd), std::move(ssl)),
                                   std::move(handshake), slot.verdict.refusal);
  Connection& connection = *slot.connection;
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  // ENOSPC: fs.epoll.max_user_watches; ENOMEM (epoll_ctl(2)).
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int error = errno;
    shared_.connection_limiter.Leave(slot.verdict);
    return CountRefused(CloseReason::kEdgeFull, accepted.peer, std::strerror(error));
  }
  connection.slot = slots_.size();
  slots_.push_back(std::move(slot));
  handshakes_.Restart(connection, Now());
  connection.in_handshake = true;
  ++handshaking_;
  while (handshaking_ > max_handshaking_) handshakes_.PopOldest()->TurnAway();
}

void Loop::EndHandshake(Connection& connection) {
  if (std::exchange(connection.in_handshake, false)) --handshaking_;
}

void Loop::CountRefused(CloseReason reason, const SocketAddress& peer, std::string_view error) {
  counters_.Count(reason);
  counters_.CountRefusal(reason);
  shared_.close_log.Note(reason,
                         reason == CloseReason::kTlsFailed ? Stream::LastTlsError() : error);
  if (!shared_.log_peers) return;
  log::Info(log::Edge(), "peer_refused", {{"remote", peer.ToString()}, {"reason", Name(reason)}});
}

bool Loop::Watch(Connection& connection, uint32_t epoll_events) {
  epoll_event event = {};
  event.events = epoll_events;
  event.data.ptr = &connection;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd(), &event) != 0) return false;
  if (epoll_events & EPOLLOUT) {
    blocked_.insert(&connection);
  } else {
    blocked_.erase(&connection);
  }
  return true;
}

void Loop::Retire(Connection& connection) {
  EndHandshake(connection);
  retired_.push_back(&connection);
}

void Loop::Remove(Connection& connection) {
  if (connection.touched) std::erase(touched_, &connection);
  std::erase(paused_, &connection);
  blocked_.erase(&connection);
  rate_paused_.erase(&connection);
  if (connection.awaits_turn()) std::erase(awaiting_turn_, &connection);
  for (int i = next_ready_; i < ready_; ++i) {
    epoll_event& event = ready_events_[static_cast<size_t>(i)];
    if (event.data.ptr == &connection) event.events = 0;
  }
  queued_ -= connection.queue_memory();
  // Closing it is not enough if a child process has the socket too: epoll watches the open file.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.fd(), nullptr);
  const size_t index = connection.slot;
  shared_.connection_limiter.Leave(slots_[index].verdict);
  if (index + 1 < slots_.size()) {
    std::swap(slots_[index], slots_.back());
    slots_[index].connection->slot = index;
  }
  slots_.pop_back();
}

ConnectionHost::Admission Loop::Admit(Connection& connection, const SocketAddress& client) {
  ConnectionLimiter::Verdict& verdict = slots_[connection.slot].verdict;
  shared_.connection_limiter.Admit(client.Host(), verdict);
  return {verdict.refusal, verdict.overflow};
}

link::PeerName Loop::NewPeer() {
  const uint64_t proof = random_();
  return {link::PeerIdOf(lane_.identity().secret, proof), proof};
}

// ---- deadlines

void Loop::AwaitPing(Connection& connection) {
  EndHandshake(connection);
  pings_.Restart(connection, Now());
}

void Loop::AwaitEnd(Connection& connection) {
  EndHandshake(connection);
  farewells_.Restart(connection, Now());
}

void Loop::ScheduleTick() {
  PostAfter(draining_ ? kDrainTick : kTick, [this, tick = ++tick_] {
    if (tick != tick_) return;
    OnTick();
    ScheduleTick();
  });
}

void Loop::OnTick() {
  const absl::Duration now = Now();
  for (DeadlineList<Connection>* list : {&handshakes_, &pings_, &farewells_}) {
    while (Connection* connection = list->PopDue(now)) connection->OnDeadline();
  }
  if (listener_.paused()) {
    // Usually descriptors are what is missing: close connections that send nothing.
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      Connection* silent = handshakes_.PopOlderThan(kSilenceWithoutDescriptors, now);
      if (!silent) break;
      silent->TurnAway();
    }
    listener_.Retry();
    WatchListener();
  }
  ResumeWithTokens();
  Report(now);
  lane_.EndQueries();
  lane_.Tick();
  link_->Tick();
  if (draining_) CloseDrainShare();
  FinishTurn();
  SetGauges(now);
}

}  // namespace cairn::edge
