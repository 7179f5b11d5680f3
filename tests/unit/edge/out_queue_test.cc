#include "edge/out_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include "tests/support/server_frames.h"
#include "tests/support/written_queue.h"

namespace cairn::edge {
namespace {

TEST(OutQueue, StartsEmpty) {
  OutQueue queue(Spare());
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.Front(), "");
}

TEST(OutQueue, GivesAllFramesInOnePieceAndInOrder) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(3, 'a'));
  queue.Append(DataFrame(200, 'b') + DataFrame(0) + DataFrame(70'000, 'c'));
  const std::string all =
      DataFrame(3, 'a') + DataFrame(200, 'b') + DataFrame(0) + DataFrame(70'000, 'c');
  EXPECT_EQ(queue.size(), all.size());
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.Front(), all);
  EXPECT_EQ(WriteAll(queue), all);
}

TEST(OutQueue, PiecesOfEverySizeMakeTheSameBytes) {
  const std::string all = DataFrame(3, 'a') + DataFrame(126, 'b') + DataFrame(0) +
                          DataFrame(125, 'c') + DataFrame(1, 'd');
  for (size_t at_a_time = 1; at_a_time <= all.size(); ++at_a_time) {
    OutQueue queue(Spare());
    queue.Append(all);
    EXPECT_EQ(WriteAll(queue, at_a_time), all) << at_a_time;
  }
}

TEST(OutQueue, SizeIsThatOfUnwrittenBytes) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(3000) + DataFrame(10));
  const size_t all = queue.size();
  for (size_t written = 1; written <= all; ++written) {
    Write(queue, 1);
    ASSERT_EQ(queue.size(), all - written);
    ASSERT_EQ(queue.empty(), written == all);
  }
}

TEST(OutQueue, FramesCanBeAppendedBetweenPieces) {
  OutQueue queue(Spare());
  std::string expected, written;
  for (size_t i = 0; i < 300; ++i) {
    const std::string frame = DataFrame(i, static_cast<char>('a' + i % 26));
    queue.Append(frame);
    expected += frame;
    written += Write(queue, i * 7 % 260);
  }
  written += WriteAll(queue);
  EXPECT_EQ(written, expected);
}

TEST(OutQueue, APongPassesFramesThatWait) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(10) + DataFrame(20));
  queue.AppendPong(PongFrame("one"));
  queue.AppendPong(PongFrame("two"));
  EXPECT_EQ(queue.size(), 12u + 22u + 10u);
  EXPECT_EQ(WriteAll(queue), PongFrame("one") + PongFrame("two") + DataFrame(10) + DataFrame(20));
}

TEST(OutQueue, APongIsNeverInsideAFrame) {
  // Payloads of every length form: 2, 4 and 10 bytes of header.
  for (const size_t payload : {0u, 5u, 125u, 126u, 300u, 66'000u}) {
    const std::string first = DataFrame(payload, 'a');
    const std::string rest = DataFrame(4, 'b') + DataFrame(130, 'c');
    for (size_t offset = 0; offset <= std::min<size_t>(first.size(), 600); ++offset) {
      OutQueue queue(Spare());
      queue.Append(first + rest);
      std::string written = Write(queue, offset);
      queue.AppendPong(PongFrame("p"));
      written += WriteAll(queue, 7 + payload / 50);
      const std::string expected =
          offset == 0 ? PongFrame("p") + first + rest : first + PongFrame("p") + rest;
      ASSERT_EQ(written, expected) << payload << " byte frame, pong at " << offset;
    }
  }
}

TEST(OutQueue, APongQueuedInsideAFrameWaitsForThatFrameOnly) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(10, 'a') + DataFrame(10, 'b'));
  Write(queue, 3);
  queue.AppendPong(PongFrame("p"));
  EXPECT_EQ(queue.Front(), DataFrame(10, 'a').substr(3));
}

TEST(OutQueue, APartlyWrittenPongIsWrittenToItsEnd) {
  const std::string pong = PongFrame("0123456789");
  for (size_t offset = 1; offset < pong.size(); ++offset) {
    OutQueue queue(Spare());
    queue.Append(DataFrame(10, 'a'));
    queue.AppendPong(pong);
    std::string written = Write(queue, offset);
    queue.AppendPong(PongFrame("late"));
    queue.Append(DataFrame(3, 'b'));
    EXPECT_EQ(written + WriteAll(queue, 5),
              pong + PongFrame("late") + DataFrame(10, 'a') + DataFrame(3, 'b'));
  }
}

TEST(OutQueue, APongOfAnIdleConnectionIsNext) {
  OutQueue queue(Spare());
  queue.AppendPong(PongFrame(""));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(WriteAll(queue), PongFrame(""));
}

TEST(OutQueue, TheUpgradeAnswerIsNotTornByFramesOrPongs) {
  const std::string answer = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";
  for (size_t offset = 0; offset <= answer.size(); ++offset) {
    OutQueue queue(Spare());
    queue.AppendRaw(answer);
    queue.Append(DataFrame(4));
    std::string written = Write(queue, offset);
    queue.AppendPong(PongFrame("p"));
    queue.Append(DataFrame(5));
    EXPECT_EQ(written + WriteAll(queue, 3), answer + PongFrame("p") + DataFrame(4) + DataFrame(5))
        << offset;
  }
}

TEST(OutQueueDeathTest, TheUpgradeAnswerComesFirst) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(1));
  EXPECT_DEATH(queue.AppendRaw("HTTP/1.1"), "broken invariant");
}

TEST(OutQueueDeathTest, MoreThanFrontCannotBeWritten) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(1));
  EXPECT_DEATH(queue.Consume(4), "broken invariant");
}

TEST(OutQueue, OfAFloodOfPingsOnlyTheLatestPongIsKept) {
  OutQueue queue(Spare());
  const std::string payload(125, 'x');
  size_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    queue.AppendPong(PongFrame(payload));
    most = std::max(most, queue.size());
  }
  EXPECT_LE(most, OutQueue::kMaxPongBytes);
  EXPECT_GT(most, OutQueue::kMaxPongBytes - 127);
  WriteAll(queue);
  for (size_t i = 0; i < OutQueue::kMaxPongBytes / 127; ++i) queue.AppendPong(PongFrame(payload));
  queue.AppendPong(PongFrame(std::string(125, 'l')));
  EXPECT_EQ(WriteAll(queue), PongFrame(std::string(125, 'l')));
}

TEST(OutQueue, AFloodWhileAPongIsLeavingIsBoundedAndKeepsThatPongWhole) {
  OutQueue queue(Spare());
  const std::string first = PongFrame(std::string(125, 'f'));
  queue.AppendPong(first);
  std::string written = Write(queue, 1);
  for (int i = 0; i < 1000; ++i) queue.AppendPong(PongFrame(std::string(125, 'x')));
  EXPECT_LE(queue.size(), 2 * OutQueue::kMaxPongBytes + 127);
  written += WriteAll(queue);
  EXPECT_EQ(written.substr(0, first.size()), first);
  EXPECT_EQ(written.size() % first.size(), 0u);
}

TEST(OutQueue, DropWaitingFinishesTheFrameThatHasBegunSoThatACloseCanFollow) {
  const std::string first = DataFrame(140, 'a');
  const std::string close = Frame(wire::WsOpcode::kClose, "\x03\xf5slow_reader");
  for (size_t offset = 0; offset <= first.size(); ++offset) {
    OutQueue queue(Spare());
    queue.Append(first + DataFrame(20, 'b') + DataFrame(30, 'c'));
    std::string written = Write(queue, offset);
    queue.DropWaiting();
    queue.Append(close);
    written += WriteAll(queue, 9);
    EXPECT_EQ(written, offset == 0 ? close : first + close) << offset;
  }
}

TEST(OutQueue, DropWaitingDropsPongsButNotOneThatHasBegun) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(10));
  queue.AppendPong(PongFrame("one"));
  queue.DropWaiting();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);

  queue.Append(DataFrame(10));
  queue.AppendPong(PongFrame("one"));
  std::string written = Write(queue, 2);
  queue.DropWaiting();
  queue.Append(DataFrame(1, 'z'));
  EXPECT_EQ(written + WriteAll(queue), PongFrame("one") + DataFrame(1, 'z'));
}

TEST(OutQueue, DropWaitingFinishesTheUpgradeAnswer) {
  OutQueue queue(Spare());
  queue.AppendRaw("HTTP/1.1 101\r\n\r\n");
  queue.Append(DataFrame(10));
  queue.DropWaiting();
  queue.Append(DataFrame(1, 'z'));
  EXPECT_EQ(WriteAll(queue), "HTTP/1.1 101\r\n\r\n" + DataFrame(1, 'z'));
}

TEST(OutQueue, AnEmptyQueuesMemoryIsForTheNextQueueThatNeedsSome) {
  SpareBuffers spare;
  OutQueue queue(spare), other(spare);
  queue.Append(DataFrame(500));
  const char* buffer = queue.Front().data();
  WriteAll(queue);
  EXPECT_GE(spare.bytes(), 500u);
  other.Append(DataFrame(100));
  EXPECT_EQ(other.Front().data(), buffer);
  EXPECT_GE(other.memory_bytes(), 500u);
  EXPECT_EQ(spare.bytes(), 0u);
}

TEST(OutQueue, AnEmptyQueueHasFreedALargeBuffer) {
  SpareBuffers spare;
  OutQueue queue(spare);
  queue.Append(DataFrame(SpareBuffers::kLargestBytes));
  WriteAll(queue);
  EXPECT_EQ(spare.bytes(), 0u);
  queue.Append(DataFrame(1));
  EXPECT_LT(queue.memory_bytes(), 100u);
}

TEST(OutQueue, WrittenPongsAreFreed) {
  OutQueue queue(Spare());
  for (int i = 0; i < 20; ++i) queue.AppendPong(PongFrame(std::string(125, 'p')));
  WriteAll(queue);
  queue.AppendPong(PongFrame("p"));
  EXPECT_LT(queue.memory_bytes(), 100u);
}

TEST(OutQueue, AClearedQueueHoldsNothing) {
  OutQueue queue(Spare());
  queue.Append(DataFrame(70'000) + DataFrame(1));
  queue.AppendPong(PongFrame("p"));
  Write(queue, 10);
  queue.Clear();
  EXPECT_EQ(WriteAll(queue), "");
  queue.Append(DataFrame(1));
  EXPECT_LT(queue.memory_bytes(), 20'000u);
  EXPECT_EQ(WriteAll(queue), DataFrame(1));
}

// Takes what was written frame by frame from the front of the two lists of what was queued.
void Match(std::string& written, std::deque<std::string>& data, std::deque<std::string>& pongs) {
  while (!written.empty()) {
    auto& from = (static_cast<uint8_t>(written[0]) & 0xf) == 0xa ? pongs : data;
    ASSERT_FALSE(from.empty());
    const size_t common = std::min(written.size(), from.front().size());
    ASSERT_EQ(written.compare(0, common, from.front(), 0, common), 0);
    if (common < from.front().size()) return;
    written.erase(0, common);
    from.pop_front();
  }
}

TEST(OutQueue, AnyOrderOfUseGivesWholeFramesInOrder) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    OutQueue queue(Spare());
    std::deque<std::string> data, pongs;
    std::string written;
    for (int step = 0; step < 1000; ++step) {
      const uint32_t what = random() % 4;
      if (what == 0) {
        data.push_back(DataFrame(random() % 3 == 0 ? random() % 70'000 : random() % 200));
        data.back().back() = static_cast<char>(random());
        queue.Append(data.back());
      } else if (what == 1 && pongs.size() < 20) {  // few enough that none is superseded
        pongs.push_back(PongFrame(std::to_string(random())));
        queue.AppendPong(pongs.back());
      } else {
        written += Write(queue, random() % 50'000);
      }
      Match(written, data, pongs);
      ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
    written += WriteAll(queue);
    Match(written, data, pongs);
    EXPECT_TRUE(written.empty() && data.empty() && pongs.empty());
  }
}

}  // namespace
}  // namespace cairn::edge
