// What TLS has already made a record of leaves next and unchanged, whatever is queued meanwhile.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "edge/out_queue.h"
#include "tests/support/server_frames.h"
#include "tests/support/written_queue.h"

namespace cairn::edge {
namespace {

TEST(OutQueuePin, APongWaitsForPinnedDataAndForTheFrameInWhichItEnds) {
  OutQueue queue(Spare());
  const std::string first = DataFrame(10, 'a'), second = DataFrame(10, 'b');
  queue.Append(first + second);
  queue.Pin(first.size() + 3);
  queue.AppendPong(PongFrame("p"));
  EXPECT_GE(queue.Front().size(), first.size() + 3);
  EXPECT_EQ(WriteAll(queue), first + second + PongFrame("p"));
}

TEST(OutQueuePin, APinnedPongIsNotSupersededByAFlood) {
  OutQueue queue(Spare());
  queue.AppendPong(PongFrame("first"));
  queue.Pin(queue.Front().size());
  for (int i = 0; i < 1000; ++i) queue.AppendPong(PongFrame(std::string(125, 'x')));
  EXPECT_EQ(queue.Front().substr(0, PongFrame("first").size()), PongFrame("first"));
  EXPECT_LE(queue.size(), 2 * OutQueue::kMaxPongBytes + 127);
}

TEST(OutQueuePin, DropWaitingKeepsPinnedBytesAndTheFrameInWhichTheyEnd) {
  OutQueue queue(Spare());
  const std::string frames = DataFrame(10, 'a') + DataFrame(10, 'b');
  queue.Append(frames + DataFrame(10, 'c'));
  queue.Pin(DataFrame(10, 'a').size() + 1);
  queue.DropWaiting();
  queue.Append(DataFrame(1, 'z'));
  EXPECT_EQ(WriteAll(queue), frames + DataFrame(1, 'z'));

  queue.AppendPong(PongFrame("p"));
  queue.Pin(2);
  queue.Append(DataFrame(10, 'a'));
  queue.DropWaiting();
  EXPECT_EQ(WriteAll(queue), PongFrame("p"));
}

TEST(OutQueuePin, TheFrontAlwaysBeginsWithThePinnedBytes) {
  std::mt19937 random(1);
  OutQueue queue(Spare());
  std::string pinned;
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 4) {
      case 0:
        queue.Append(DataFrame(random() % 300, static_cast<char>('a' + random() % 26)));
        break;
      case 1:
        queue.AppendPong(PongFrame(std::to_string(random())));
        break;
      case 2:
        if (random() % 10 == 0) queue.DropWaiting();
        break;
      default:
        const std::string_view front = queue.Front();
        if (front.empty()) break;
        if (random() % 2 == 0) {
          pinned = std::string(front.substr(0, std::max(pinned.size(), 1 + random() % 200)));
          queue.Pin(pinned.size());
        } else {
          queue.Consume(std::max<size_t>(pinned.size(), 1));
          pinned.clear();
        }
    }
    ASSERT_EQ(queue.Front().substr(0, pinned.size()), pinned) << step;
  }
}

}  // namespace
}  // namespace cairn::edge
