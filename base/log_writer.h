// LogWriter: writes lines to a file descriptor on a thread of its own, so that a thread that logs
// never waits for the reader.
//
// Owner:  the log, for the life of the process. The thread starts with the first line.
// Thread: any.
// Bounds: max_bytes of waiting lines; further lines are dropped and counted.
// Errors: none; a line that cannot be written is dropped and counted.
#ifndef CAIRN_BASE_LOG_WRITER_H_
#define CAIRN_BASE_LOG_WRITER_H_

#include <absl/time/time.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace cairn {

class LogWriter {
 public:
  static constexpr size_t kMaxBytes = 1 << 20;

  // `on_loss` is called on the writer's thread with the number of dropped lines, once a line is
  // written again. It may call Push().
  LogWriter(int fd, std::function<void(uint64_t)> on_loss, size_t max_bytes = kMaxBytes)
      : fd_(fd), on_loss_(std::move(on_loss)), max_bytes_(max_bytes) {}
  // For tests only, with nothing in progress: the thread is detached.
  ~LogWriter();

  // REQUIRES: a whole line, including its line feed.
  void Push(std::string_view line);
  // Waits until everything pushed so far is written, for at most that long. False: it was not.
  bool Flush(absl::Duration at_most);
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void Run();
  // False: the descriptor accepts no more.
  bool WriteAll(std::string_view bytes);

  // Immutable after construction.
  const int fd_;
  const std::function<void(uint64_t)> on_loss_;
  const size_t max_bytes_;

  std::atomic<uint64_t> dropped_{0};
  std::mutex mu_;
  // Guarded by mu_.
  std::string waiting_;
  uint64_t lines_waiting_ = 0;
  uint64_t loss_told_ = 0;  // of dropped_: how many were reported
  bool started_ = false;
  bool writing_ = false;
  bool ending_ = false;
  std::condition_variable changed_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_LOG_WRITER_H_
