#include "core/grpc_relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <iterator>
#include <utility>

#include "base/check.h"
#include "core/epoll_watch.h"

namespace cairn::core {
namespace {

constexpr uint64_t kRelayTasksId = 0;
// Twice as much as is in use at a time (socket(7), SO_SNDBUF).
constexpr int kSendBuffer = 4 << 10;

// Of the two sockets of connection `id`, as epoll names them.
uint64_t CallersId(uint64_t id) { return 2 * id; }
uint64_t GrpcsId(uint64_t id) { return 2 * id + 1; }

}  // namespace

GrpcRelay::GrpcRelay(const Clock& clock) : clock_(clock), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  uint32_t watched = 0;
  Watch(tasks_.wake_fd(), kRelayTasksId, watched, EPOLLIN | EPOLLET);
  CAIRN_CHECK(watched != 0);
  thread_ = std::thread([this] { Run(); });
}

GrpcRelay::~GrpcRelay() {
  tasks_.Post([this] { stopping_ = true; });
  thread_.join();
}

UniqueFd GrpcRelay::Connect(UniqueFd caller, std::string received, bool encrypted) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return {};
  UniqueFd ours(pair[0]), grpc(pair[1]);
  setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  // A task must be copyable.
  const auto connection =
      std::make_shared<std::unique_ptr<RelayedConnection>>(std::make_unique<RelayedConnection>(
          std::move(caller), std::move(ours), std::move(received), encrypted, clock_.Elapsed()));
  tasks_.Post([this, connection] {
    const uint64_t id = next_id_++;
    connections_[id].connection = std::move(*connection);
    Serve(id);
  });
  return grpc;
}

void GrpcRelay::Run() {
  while (!stopping_) {
    ServeSockets();
    tasks_.RunDue([] {});
  }
}

void GrpcRelay::ServeSockets() {
  epoll_event events[64];
  const int count =
      epoll_wait(epoll_.get(), events, std::size(events), tasks_.MillisecondsToSleep());
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 != kRelayTasksId) Serve(events[i].data.u64 / 2);
  }
}

void GrpcRelay::Serve(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Entry& entry = found->second;
  RelayedConnection& connection = *entry.connection;
  const absl::Duration now = clock_.Elapsed();
  connection.Move(now);
  if (connection.over()) {
    connections_.erase(found);
    return;
  }
  Watch(connection.caller_fd(), CallersId(id), entry.caller_events, connection.caller_events());
  Watch(connection.grpc_fd(), GrpcsId(id), entry.grpc_events, connection.grpc_events());
  const absl::Duration wakes = connection.wakes();
  if (now >= entry.wakes) entry.wakes = absl::InfiniteDuration();
  // An earlier timer that is left finds nothing to do.
  if (wakes >= entry.wakes) return;
  entry.wakes = wakes;
  tasks_.PostAfter(wakes - now, [this, id] { Serve(id); });
}

void GrpcRelay::Watch(int fd, uint64_t id, uint32_t& watched, uint32_t wanted) const {
  if (wanted == watched) return;
  const int operation = watched == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  if (EpollWatch(epoll_.get(), operation, fd, wanted, id)) watched = wanted;
}

}  // namespace cairn::core
