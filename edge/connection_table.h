// ConnectionTable: the connections of a loop.
//
// Owner:  one Loop.
// Thread: that loop's.
// Bounds: ConnectionLimiter, and ConnectionDeadlines for those whose upgrade is not done.
// Errors: Add() fails when the kernel cannot watch another socket (Poller).
#ifndef CAIRN_EDGE_CONNECTION_TABLE_H_
#define CAIRN_EDGE_CONNECTION_TABLE_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "edge/connection.h"
#include "edge/connection_context.h"

namespace cairn::edge {

class ConnectionTable {
 public:
  explicit ConnectionTable(ConnectionContext& context) : context_(context) {}

  // Watches its socket, and expects its upgrade; when there are too many of those, the oldest is
  // closed. Returns 0, or the error number of Poller::Add(): then the connection is destroyed.
  int Add(std::unique_ptr<Connection> connection);
  // Destroys it. REQUIRES: it is in the table.
  void Remove(Connection& connection);
  // Destroys all, at the end of the loop.
  void Clear() { connections_.clear(); }

  size_t size() const { return connections_.size(); }
  auto begin() const { return connections_.begin(); }
  auto end() const { return connections_.end(); }

 private:
  // Borrowed; must outlive this.
  ConnectionContext& context_;
  // Loop thread only.
  std::vector<std::unique_ptr<Connection>> connections_;  // each knows its place: Connection::slot
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CONNECTION_TABLE_H_
