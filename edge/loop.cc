#include "edge/loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "proto/link/timing.h"

namespace cairn::edge {
namespace {

// How late a deadline may be noticed, and how often a paused listener tries again.
constexpr auto kTick = std::chrono::milliseconds(100);
// While draining, so that the closes are spread evenly.
constexpr auto kDrainTick = std::chrono::milliseconds(20);
constexpr absl::Duration kReportInterval = absl::Seconds(2);
// How old the figures of clients' queues may be; there may be many queues.
constexpr absl::Duration kQueueGaugesInterval = absl::Seconds(1);
// Accepts in a row before connections get their turn.
constexpr int kAcceptsPerTurn = 128;

}  // namespace

Loop::Loop(EdgeShared& shared, LaneIdentity identity, Listener listener, LinkFactory& links,
           std::function<void()> on_drain_order)
    : shared_(shared),
      io_(1),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      epoll_ready_(io_, dup(epoll_.get())),
      tick_(io_),
      lane_(std::move(identity), shared.limits, counters_, shared.clock),
      session_context_{lane_, shared.limits, counters_, reader_, shared.log_peers},
      listener_(std::move(listener)),
      link_(links.NewLink(lane_.identity(), lane_, *this)),
      read_buffer_(std::make_unique<char[]>(kReadBuffer)),
      handshakes_(shared.limits.handshake_timeout),
      pings_(shared.limits.ping_interval),
      farewells_(shared.limits.close_timeout) {
  lane_.Connect(link_.get());
  lane_.SetOrders({std::move(on_drain_order), [](const std::string& directives) {
                     log::Info(log::Edge(), "log_level", {{"directives", log::Text(directives)}});
                     InitLog(LogFilter::Parse(directives));
                   }});
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the listener
  CAIRN_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.fd(), &event) == 0);
}

Loop::~Loop() { CAIRN_CHECK(!thread_.joinable()); }

void Loop::Start() {
  AwaitReady();
  ScheduleTick();
  thread_ = std::thread([this] {
    io_.run();
    slots_.clear();
    link_.reset();
  });
}

void Loop::Join() {
  boost::asio::post(io_, [this] { io_.stop(); });
  thread_.join();
}

void Loop::Post(std::function<void()> task) {
  boost::asio::post(io_, [this, task = std::move(task)] {
    task();
    FinishTurn();
  });
}

void Loop::PostAfter(absl::Duration wait, std::function<void()> task) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, absl::ToChronoNanoseconds(wait));
  timer->async_wait([this, timer, task = std::move(task)](const boost::system::error_code& error) {
    if (error) return;
    task();
    FinishTurn();
  });
}

// ---- one turn

void Loop::AwaitReady() {
  epoll_ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [this](const boost::system::error_code& error) {
                            if (error) return;
                            OnEpollReady();
                            AwaitReady();
                          });
}

void Loop::OnEpollReady() {
  std::array<epoll_event, kEventsPerTurn> events;
  const int ready = epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, 0);
  lane_.SetReadTime(absl::ToUnixMicros(shared_.clock.WallTime()));
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.ptr == nullptr) {
      AcceptAll(kAcceptsPerTurn);
    } else if (auto* connection = static_cast<Connection*>(event.data.ptr);
               !connection->retired()) {
      connection->OnReady(event.events);
    }
  }
  FinishTurn();
}

void Loop::FinishTurn() {
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
  if (!paused_.empty() && !lane_.congested()) ResumeReading();
}

void Loop::Touch(Connection& connection) {
  if (connection.touched) return;
  connection.touched = true;
  touched_.push_back(&connection);
}

// ---- connections come and go

void Loop::AcceptAll(int most) {
  while (most-- > 0) {
    std::optional<Accepted> accepted = listener_.Accept();
    if (!accepted) break;
    Adopt(*std::move(accepted));
  }
  // Level-triggered, a listener that cannot accept would spin.
  if (listener_.paused()) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.fd(), nullptr);
}

void Loop::Adopt(Accepted accepted) {
  counters_.accepted.Add();
  Slot slot;
  auto arrival = std::make_unique<Arrival>(accepted.peer, shared_.proxy_trust, shared_.tokens.Get(),
                                           shared_.limits.max_request_head_bytes);
  if (!arrival->behind_proxy) slot.host = accepted.peer.Host();
  slot.verdict = shared_.census.Enter(slot.host);
  if (slot.verdict.overflow) return CountRefused(*slot.verdict.refusal, accepted.peer);
  const int fd = accepted.fd.get();
  Stream::SetOptions(fd, shared_.limits.tcp_user_timeout);
  SslPtr ssl;
  if (const std::shared_ptr<const TlsContext> tls = shared_.tls.Get()) {
    ssl = tls->NewServerConnection(fd);
    if (!ssl) {
      shared_.census.Leave(slot.host, slot.verdict);
      return CountRefused(CloseReason::kTlsFailed, accepted.peer);
    }
  }
  slot.connection =
      std::make_unique<Connection>(*this, Stream(std::move(accepted.fd), std::move(ssl)),
                                   std::move(arrival), slot.verdict.refusal);
  Connection& connection = *slot.connection;
  connection.slot = slots_.size();
  slots_.push_back(std::move(slot));
  handshakes_.Restart(connection, Now());
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  CAIRN_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Loop::CountRefused(CloseReason reason, const SocketAddress& peer) {
  counters_.Count(reason);
  counters_.CountRefusal(reason);
  shared_.close_log.Note(reason, reason == CloseReason::kTlsFailed ? Stream::LastTlsError() : "");
  if (!shared_.log_peers) return;
  log::Info(log::Edge(), "peer_refused", {{"remote", peer.ToString()}, {"reason", Name(reason)}});
}

void Loop::Watch(Connection& connection, uint32_t epoll_events) {
  epoll_event event = {};
  event.events = epoll_events;
  event.data.ptr = &connection;
  CAIRN_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd(), &event) == 0);
  if (epoll_events & EPOLLOUT) {
    blocked_.insert(&connection);
  } else {
    blocked_.erase(&connection);
  }
}

void Loop::Retire(Connection& connection) { retired_.push_back(&connection); }

void Loop::Remove(Connection& connection) {
  if (connection.touched) std::erase(touched_, &connection);
  std::erase(paused_, &connection);
  blocked_.erase(&connection);
  // Closing it would not do where a child process has the socket too: epoll watches what is open.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.fd(), nullptr);
  const size_t index = connection.slot;
  shared_.census.Leave(slots_[index].host, slots_[index].verdict);
  if (index + 1 < slots_.size()) {
    std::swap(slots_[index], slots_.back());
    slots_[index].connection->slot = index;
  }
  slots_.pop_back();
}

std::optional<CloseReason> Loop::Identify(Connection& connection, const SocketAddress& client) {
  const std::string host = client.Host();
  if (!shared_.census.Identify(host)) return CloseReason::kAddressFull;
  slots_[connection.slot].host = host;
  return std::nullopt;
}

uint64_t Loop::NewPeerId() {
  return absl::Uniform<uint64_t>(absl::IntervalClosed, random_, 1, ~uint64_t{0});
}

// ---- deadlines

void Loop::AwaitPing(Connection& connection) { pings_.Restart(connection, Now()); }
void Loop::AwaitEnd(Connection& connection) { farewells_.Restart(connection, Now()); }

void Loop::ScheduleTick() {
  tick_.expires_after(draining_ ? kDrainTick : kTick);
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
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
    listener_.Retry();
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.fd(), &event);
  }
  Report(now);
  lane_.EndQueries();
  lane_.Tick();
  link_->Tick();
  if (draining_) CloseDrainShare();
  FinishTurn();
  SetGauges(now);
}

// Figures that are at most kReportInterval old are good enough for operators; who has many active
// peers tells of them over several ticks.
void Loop::Report(absl::Duration now) {
  if (now < next_report_) return;
  const bool more = lane_.Report(draining_);
  if (!more) next_report_ = now + kReportInterval;
}

void Loop::SetGauges(absl::Duration now) {
  gauges_.connections.Set(slots_.size());
  gauges_.sessions.Set(lane_.member_count());
  gauges_.paused.Set(paused_.size());
  if (now < next_queue_gauges_) return;
  next_queue_gauges_ = now + kQueueGaugesInterval;
  size_t sum = 0, max = 0;
  for (const Connection* connection : blocked_) {
    sum += connection->queued_bytes();
    max = std::max(max, connection->queued_bytes());
  }
  gauges_.queued_bytes.Set(sum);
  gauges_.max_queued_bytes.Set(max);
}

void Loop::AddTo(EdgeSnapshot& snapshot) const {
  snapshot.Add(counters_);
  snapshot.Add(gauges_);
  snapshot.lanes.push_back(
      {lane_.identity().lane_index, link_->connected(), lane_.backlog_bytes()});
  snapshot.batch_events.Add(link_->batches().Values());
}

// ---- back-pressure

bool Loop::ReadingPaused(Connection& connection) {
  if (!lane_.congested()) return false;
  paused_.push_back(&connection);
  return true;
}

void Loop::ResumeReading() {
  std::vector<Connection*> resumed;
  resumed.swap(paused_);
  for (Connection* connection : resumed) connection->ResumeReading();
}

// ---- drain

void Loop::Drain(absl::Duration window, std::optional<Handover> handover,
                 std::function<void()> done) {
  Post([this, window, handover, done = std::move(done)] {
    draining_ = true;
    handover_ = handover;
    if (handover_) {
      handover_->Begin(listener_.fd());
      handover_end_ = Now() + Handover::kLinger;
    } else {
      CloseListener();
    }
    drain_window_ = window;
    drain_end_ = Now() + window;
    drain_cutoff_ = drain_end_ + shared_.limits.close_timeout;
    drained_ = done;
    ScheduleTick();
  });
}

// Whoever the kernel has already connected is served, or it would be reset with the listener.
void Loop::CloseListener() {
  if (handover_) handover_->BeforeClose(listener_.fd());
  if (!listener_.shared()) AcceptAll(std::numeric_limits<int>::max());
  listener_.Close();
}

void Loop::CloseDrainShare() {
  const absl::Duration now = Now();
  if (listener_.open() && now >= handover_end_) CloseListener();
  if ((slots_.empty() && !listener_.open()) || now >= drain_cutoff_) {
    lane_.SayGoodbye();
    goodbye_end_ = std::min(goodbye_end_, now + absl::FromChrono(link::kGoodbyeTimeout));
    if (drained_ && (lane_.finished() || now >= goodbye_end_)) std::exchange(drained_, nullptr)();
    return;
  }
  size_t open = 0;
  for (const Slot& slot : slots_) open += slot.connection->drained() ? 0 : 1;
  // What is not a whole connection yet is carried over to the next tick.
  const double ticks_left = absl::FDivDuration(drain_end_ - now, absl::FromChrono(kDrainTick));
  drain_due_ +=
      ticks_left <= 1 ? static_cast<double>(open) : static_cast<double>(open) / ticks_left;
  for (const Slot& slot : slots_) {
    if (drain_due_ < 1) break;
    if (slot.connection->drained()) continue;
    // They come back spread over as long as they left.
    slot.connection->Drain(drain_window_ * absl::Uniform<double>(random_, 0, 1));
    --drain_due_;
  }
}

}  // namespace cairn::edge
