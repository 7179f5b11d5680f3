#include "edge/connection_table.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace cairn::edge {

int ConnectionTable::Add(std::unique_ptr<Connection> owned) {
  Connection& connection = *owned;
  if (!context_.poller.Add(connection.fd(), EPOLLIN, connection)) return errno;
  connection.slot = connections_.size();
  connections_.push_back(std::move(owned));
  context_.deadlines.AwaitUpgrade(connection, context_.Now());
  while (Connection* oldest = context_.deadlines.PopExcess()) oldest->TurnAway();
  return 0;
}

void ConnectionTable::Remove(Connection& connection) {
  context_.turn.Forget(connection);
  context_.pressure.Forget(connection);
  context_.poller.Remove(connection.fd(), connection);
  const size_t index = connection.slot;
  if (index + 1 < connections_.size()) {
    std::swap(connections_[index], connections_.back());
    connections_[index]->slot = index;
  }
  connections_.pop_back();
}

}  // namespace cairn::edge
