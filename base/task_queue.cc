#include "base/task_queue.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace cairn {

using std::chrono::steady_clock;

TaskQueue::TaskQueue() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CAIRN_CHECK(wake_.valid());
}

void TaskQueue::Post(Task task) {
  {
    MutexLock lock(mu_);
    posted_.push_back(std::move(task));
    if (!std::exchange(sleeping_, false)) return;
  }
  eventfd_write(wake_.get(), 1);
}

void TaskQueue::PostAfter(absl::Duration wait, Task task) {
  timers_.emplace(steady_clock::now() + absl::ToChronoNanoseconds(wait), std::move(task));
}

int TaskQueue::MillisecondsToSleep() {
  {
    MutexLock lock(mu_);
    if (!posted_.empty()) return 0;
    sleeping_ = true;
  }
  if (timers_.empty()) return -1;
  const auto wait = timers_.begin()->first - steady_clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::clamp<int64_t>(ms, 0, std::numeric_limits<int>::max()));
}

std::vector<TaskQueue::Task> TaskQueue::TakeDue() {
  std::vector<Task> due;
  {
    MutexLock lock(mu_);
    sleeping_ = false;
    due.swap(posted_);
  }
  if (timers_.empty()) return due;
  const auto end = timers_.upper_bound(steady_clock::now());
  for (auto timer = timers_.begin(); timer != end; ++timer) due.push_back(std::move(timer->second));
  timers_.erase(timers_.begin(), end);
  return due;
}

}  // namespace cairn
