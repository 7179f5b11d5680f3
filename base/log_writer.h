// LogWriter: writes lines to a file descriptor from a thread of its own, so that nobody who logs
// waits for who reads.
//
// Owner:  the log, for the life of the process; the thread starts with the first line.
// Thread: any.
// Bounds: max_bytes of lines that wait; those that come beyond it are dropped and counted.
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

  // `on_loss` is called on the writer's thread, with the number of lines, once there is room again
  // after some were dropped; it may Push().
  LogWriter(int fd, std::function<void(uint64_t)> on_loss, size_t max_bytes = kMaxBytes)
      : fd_(fd), on_loss_(std::move(on_loss)), max_bytes_(max_bytes) {}
  // Only with nothing in progress, in tests: the thread is detached.
  ~LogWriter();

  // A whole line, with its end.
  void Push(std::string_view line);
  // Waits until all that was pushed is written, at most so long. False: it was not.
  bool Flush(absl::Duration at_most);
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void Run();
  // False: the descriptor takes nothing more.
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
  uint64_t loss_told_ = 0;  // of dropped_
  bool started_ = false;
  bool writing_ = false;
  bool ending_ = false;
  std::condition_variable changed_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_LOG_WRITER_H_
