// How a loop reacts when more comes in, or less goes out, than it can handle.
#include <vector>

#include "edge/loop.h"

namespace cairn::edge {

// Each step writes or drops the longest queue. A queue that has grown in this turn may be longer
// than any that was blocked before.
void Loop::ShortenQueues() {
  while (QueuesFull()) {
    Connection* longest = nullptr;
    const auto consider = [&longest](Connection* connection) {
      if (!connection->holds_queue()) return;
      if (!longest || connection->queue_memory() > longest->queue_memory()) longest = connection;
    };
    for (Connection* connection : blocked_) consider(connection);
    for (Connection* connection : touched_) consider(connection);
    if (!longest) return;
    longest->GiveUpQueue();
  }
}

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

// Connections that wait again at once stay in the list.
void Loop::ResumeWithTokens() {
  std::vector<Connection*> waiting(rate_paused_.begin(), rate_paused_.end());
  for (Connection* connection : waiting) {
    if (connection->ResumeWithTokens()) rate_paused_.erase(connection);
  }
}

}  // namespace cairn::edge
