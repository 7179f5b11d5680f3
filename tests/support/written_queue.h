// The bytes that an OutQueue writes to a socket.
#ifndef CAIRN_TESTS_SUPPORT_WRITTEN_QUEUE_H_
#define CAIRN_TESTS_SUPPORT_WRITTEN_QUEUE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "edge/out_queue.h"

namespace cairn::edge {

// The buffers of all queues of a test program.
inline SpareBuffers& Spare() {
  static SpareBuffers spare;
  return spare;
}

// Writes that many bytes of the queue, like a socket that accepts no more at a time.
inline std::string Write(OutQueue& queue, size_t bytes) {
  std::string written;
  while (written.size() < bytes) {
    const std::string_view front = queue.Front();
    if (front.empty()) break;
    const size_t n = std::min(front.size(), bytes - written.size());
    written.append(front.substr(0, n));
    queue.Consume(n);
  }
  return written;
}

inline std::string WriteAll(OutQueue& queue, size_t at_a_time = ~size_t{0}) {
  std::string written;
  while (!queue.empty()) {
    const std::string piece = Write(queue, at_a_time);
    EXPECT_FALSE(piece.empty());
    if (piece.empty()) break;
    written += piece;
  }
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.Front(), "");
  return written;
}

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_WRITTEN_QUEUE_H_
