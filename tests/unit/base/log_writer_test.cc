#include "base/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>

#include "base/unique_fd.h"

namespace cairn {
namespace {

class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    reader_ = UniqueFd(fds[0]);
    writer_ = UniqueFd(fds[1]);
    capacity_ = static_cast<size_t>(fcntl(writer_.get(), F_GETPIPE_SZ));
  }
  std::string Read(size_t bytes) {
    std::string text(bytes, '\0');
    size_t have = 0;
    while (have < bytes) {
      const ssize_t n = read(reader_.get(), text.data() + have, bytes - have);
      if (n <= 0) break;
      have += static_cast<size_t>(n);
    }
    text.resize(have);
    return text;
  }

  UniqueFd reader_, writer_;
  size_t capacity_ = 0;
};

TEST_F(LogWriterTest, LinesComeInOrder) {
  LogWriter writer(writer_.get(), nullptr);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    writer.Push(line);
    expected += line;
  }
  EXPECT_TRUE(writer.Flush(absl::Seconds(10)));
  EXPECT_EQ(Read(expected.size()), expected);
  EXPECT_EQ(writer.dropped(), 0u);
}

TEST_F(LogWriterTest, LoggingDoesNotWaitForASlowReader) {
  constexpr size_t kMaxBytes = 10'000;
  std::atomic<uint64_t> told = 0;
  LogWriter writer(
      writer_.get(), [&told](uint64_t lines) { told += lines; }, kMaxBytes);
  const std::string line(99, 'x');
  size_t lines = 0;
  do {
    writer.Push(line + "\n");
    ++lines;
  } while (writer.Flush(absl::Milliseconds(100)));
  for (size_t i = 0; i < kMaxBytes; ++i, ++lines) writer.Push(line + "\n");
  EXPECT_GT(writer.dropped(), 0u);
  // What was kept comes whole, and then it is said how much is missing.
  const std::string text = Read((lines - writer.dropped()) * (line.size() + 1));
  EXPECT_TRUE(writer.Flush(absl::Seconds(10)));
  for (size_t at = 0; at < text.size(); at += line.size() + 1)
    ASSERT_EQ(text.substr(at, line.size() + 1), line + "\n");
  EXPECT_EQ(told, writer.dropped());
}

TEST_F(LogWriterTest, UnwrittenLinesAreCounted) {
  reader_.Reset();
  LogWriter writer(-1, nullptr);
  writer.Push("line\n");
  EXPECT_TRUE(writer.Flush(absl::Seconds(10)));
  EXPECT_EQ(writer.dropped(), 1u);
}

TEST_F(LogWriterTest, AClosedReaderIsNotToldHowManyLinesItMissed) {
  std::atomic<int> told = 0;
  std::function<void()> tell;
  LogWriter writer(-1, [&](uint64_t) { tell(); });
  // As the log does: a report is a line. One that reports its own loss would go on for ever.
  tell = [&] {
    if (++told < 1000) writer.Push("lines lost\n");
  };
  writer.Push("line\n");
  EXPECT_TRUE(writer.Flush(absl::Seconds(10)));
  EXPECT_EQ(told, 0);
  EXPECT_EQ(writer.dropped(), 1u);
}

}  // namespace
}  // namespace cairn
