#include "base/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace cairn {

LogWriter::~LogWriter() {
  std::unique_lock lock(mu_);
  ending_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !started_; });
}

void LogWriter::Push(std::string_view line) {
  std::unique_lock lock(mu_);
  if (waiting_.size() + line.size() > max_bytes_) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  waiting_.append(line);
  ++lines_waiting_;
  if (!started_) {
    started_ = true;
    std::thread([this] { Run(); }).detach();
  }
  changed_.notify_all();
}

bool LogWriter::Flush(absl::Duration at_most) {
  std::unique_lock lock(mu_);
  return changed_.wait_for(lock, absl::ToChronoMilliseconds(at_most),
                           [this] { return waiting_.empty() && !writing_; });
}

void LogWriter::Run() {
  std::unique_lock lock(mu_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) break;
    std::string bytes;
    bytes.swap(waiting_);
    const uint64_t lines = std::exchange(lines_waiting_, 0);
    writing_ = true;
    lock.unlock();
    const bool written = WriteAll(bytes);
    if (!written) dropped_.fetch_add(lines, std::memory_order_relaxed);
    lock.lock();
    writing_ = false;
    // To a descriptor that takes nothing any more, the report itself would be the next line that is
    // lost.
    const uint64_t dropped = written ? dropped_.load(std::memory_order_relaxed) : loss_told_;
    const uint64_t lost = dropped - std::exchange(loss_told_, dropped);
    if (lost > 0 && on_loss_) {
      lock.unlock();
      on_loss_(lost);
      lock.lock();
    }
    changed_.notify_all();
  }
  started_ = false;
  changed_.notify_all();
}

bool LogWriter::WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd_, bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      pollfd wanted = {fd_, POLLOUT, 0};
      poll(&wanted, 1, -1);
    } else if (n == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace cairn
