#include "core/lane_port.h"

#include <sys/epoll.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "core/epoll_watch.h"

namespace cairn::core {
namespace {

constexpr uint64_t kTasksId = 0;
constexpr uint64_t kGuestId = ~uint64_t{0};
constexpr absl::Duration kTimeStep = absl::Seconds(1);

}  // namespace

LanePort::LanePort(Core& core, Authority& authority, PortGuest* guest)
    : core_(core),
      authority_(authority),
      guest_(guest),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(std::make_unique<char[]>(kReadBytes)) {
  CAIRN_CHECK(
      EpollWatch(epoll_.get(), EPOLL_CTL_ADD, tasks_.wake_fd(), EPOLLIN | EPOLLET, kTasksId));
  if (guest_)
    CAIRN_CHECK(EpollWatch(epoll_.get(), EPOLL_CTL_ADD, guest_->ready_fd(), EPOLLIN, kGuestId));
  thread_ = std::thread([this] { Run(); });
}

LanePort::~LanePort() {
  tasks_.Post([this] { stopping_ = true; });
  thread_.join();
}

void LanePort::Adopt(LaneSocket socket, std::string received, Credentials credentials,
                     Caller caller) {
  struct Arrival {
    LaneSocket socket;
    std::string received;
    Credentials credentials;
    Caller caller;
  };
  const auto arrival = std::make_shared<Arrival>(
      Arrival{std::move(socket), std::move(received), std::move(credentials), std::move(caller)});
  tasks_.Post([this, arrival] {
    Open(std::move(arrival->socket), arrival->received, std::move(arrival->credentials),
         std::move(arrival->caller));
  });
}

void LanePort::Run() {
  thread_id_ = std::this_thread::get_id();
  if (guest_) guest_->OnHosted(true);
  while (!stopping_) {
    ServeSockets();
    tasks_.RunDue([] {});
    // At once what has come from lanes, and then what settling them has caused.
    if (guest_) guest_->OnTurnEnds();
    SettleTouched();
    if (guest_) guest_->OnTurnEnds();
  }
  if (guest_) guest_->OnHosted(false);
  for (auto& [id, entry] : connections_) {
    entry.connection->Settle();
    entry.connection->End();
  }
  connections_.clear();
  touched_.clear();
}

void LanePort::ServeSockets() {
  epoll_event events[64];
  const bool idle = touched_.empty() && !guest_unread_;
  const int wait_ms = idle ? tasks_.MillisecondsToSleep() : 0;
  const int count = epoll_wait(epoll_.get(), events, std::size(events), wait_ms);
  for (int i = 0; i < count; ++i) {
    const uint64_t id = events[i].data.u64;  // epoll_event is packed: no reference to it
    if (id == kGuestId) guest_unread_ = true;
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    const Shared connection = found->second.connection;
    connection->OnReady({buffer_.get(), kReadBytes});
    Update(connection);
  }
  if (guest_ && guest_unread_) guest_unread_ = guest_->OnReady();
}

// What is touched meanwhile is left for the next turn, so that sockets are read in between.
void LanePort::SettleTouched() {
  settling_.swap(touched_);
  for (const Shared& connection : settling_) {
    connection->Settle();
    if (connection->unread()) connection->OnReady({buffer_.get(), kReadBytes});
    Update(connection);
  }
  settling_.clear();
}

void LanePort::Update(const Shared& connection) {
  const auto found = connections_.find(connection->id());
  if (found == connections_.end()) return;
  waiting_bytes_ -= std::exchange(found->second.waiting_bytes, connection->waiting_bytes());
  waiting_bytes_ += found->second.waiting_bytes;
  if (waiting_bytes_ > core_.limits().max_queued_bytes_of_lanes) GiveUpLargest();
  RemoveIfOver(connection);
}

void LanePort::GiveUpLargest() {
  const auto largest = std::ranges::max_element(
      connections_, {}, [](const auto& item) { return item.second.waiting_bytes; });
  const Shared connection = largest->second.connection;
  waiting_bytes_ -= std::exchange(largest->second.waiting_bytes, 0);
  connection->GiveUp();
  RemoveIfOver(connection);
}

void LanePort::RemoveIfOver(const Shared& connection) {
  const auto found = connections_.find(connection->id());
  if (!connection->over() || found == connections_.end()) return;
  waiting_bytes_ -= found->second.waiting_bytes;
  connections_.erase(found);
  EpollWatch(epoll_.get(), EPOLL_CTL_DEL, connection->fd(), 0, 0);
  connection->End();
}

void LanePort::Open(LaneSocket socket, const std::string& received, Credentials credentials,
                    Caller caller) {
  const uint64_t id = next_id_++;
  if (!EpollWatch(epoll_.get(), EPOLL_CTL_ADD, socket.fd(), LaneConnection::kWatchedAtFirst, id))
    return;
  const auto connection =
      std::make_shared<LaneConnection>(id, std::move(socket), *this, core_, std::move(caller));
  connections_.emplace(id, Entry{connection});
  if (connections_.size() == 1) ScheduleTime();
  connection->Begin(received, std::move(credentials), authority_, {buffer_.get(), kReadBytes});
  Update(connection);
}

void LanePort::ScheduleTime() {
  tasks_.PostAfter(kTimeStep, [this] { OnTime(); });
}

void LanePort::OnTime() {
  std::vector<Shared> all;
  for (const auto& [id, entry] : connections_) all.push_back(entry.connection);
  for (const Shared& connection : all) {
    connection->OnTime();
    Update(connection);
  }
  if (!connections_.empty()) ScheduleTime();
}

void LanePort::Touch(Shared connection) {
  if (std::this_thread::get_id() == thread_id_) {
    touched_.push_back(std::move(connection));
  } else {
    tasks_.Post([this, connection = std::move(connection)]() mutable {
      touched_.push_back(std::move(connection));
    });
  }
}

void LanePort::Watch(LaneConnection& connection, uint32_t epoll_events) {
  EpollWatch(epoll_.get(), EPOLL_CTL_MOD, connection.fd(), epoll_events, connection.id());
}

}  // namespace cairn::core
