// ConnectionContext: what all connections of a loop share.
//
// Owner:  one Loop; it outlives its connections.
// Thread: that loop's.
#ifndef CAIRN_EDGE_CONNECTION_CONTEXT_H_
#define CAIRN_EDGE_CONNECTION_CONTEXT_H_

#include <span>

#include "base/clock.h"
#include "edge/back_pressure.h"
#include "edge/close_log.h"
#include "edge/connection_deadlines.h"
#include "edge/connection_limiter.h"
#include "edge/peer_names.h"
#include "edge/poller.h"
#include "edge/session.h"
#include "edge/spare_buffers.h"
#include "edge/token_bucket.h"
#include "edge/turn.h"

namespace cairn::edge {

class Connection;

struct ConnectionContext {
  // Borrowed.
  const Clock& clock;
  CloseLog& close_log;
  ConnectionLimiter& limiter;
  PeerNames& peers;
  Poller& poller;
  Turn<Connection>& turn;
  BackPressure<Connection>& pressure;
  ConnectionDeadlines<Connection>& deadlines;
  SessionContext session;
  // Holds what one connection has read, until that is handled.
  std::span<char> read_buffer;
  // For what connections have to write.
  SpareBuffers& spare_buffers;
  // The rate limits of each connection.
  TokenBucket::Rate message_rate;
  TokenBucket::Rate delivery_rate;
  // No new sessions begin.
  bool draining = false;

  absl::Duration Now() const { return clock.Elapsed(); }
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CONNECTION_CONTEXT_H_
