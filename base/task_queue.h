// TaskQueue: the tasks of a thread that sleeps in epoll_wait(): those that others pass to it, and
// those that are due after some time.
//
// Owner:  the thread's object, which watches wake_fd() edge-triggered (EPOLLET), so that nothing
//         must be read from it.
// Thread: its owner's; Post(): any.
// Bounds: what its callers do not hold back.
#ifndef CAIRN_BASE_TASK_QUEUE_H_
#define CAIRN_BASE_TASK_QUEUE_H_

#include <absl/time/time.h>

#include <chrono>
#include <functional>
#include <map>
#include <vector>

#include "base/thread_annotations.h"
#include "base/unique_fd.h"

namespace cairn {

class TaskQueue {
 public:
  using Task = std::function<void()>;

  TaskQueue();

  // Any thread. Wakes the owner's thread if it sleeps.
  void Post(Task task);
  void PostAfter(absl::Duration wait, Task task);

  // How long the thread may sleep now, as epoll_wait() takes it: 0 if a task is due, -1 for ever.
  int MillisecondsToSleep();
  // Runs the tasks that are due, and calls `after_each`. Tasks that they post are left for the next
  // call, so that sockets are served in between.
  template <typename AfterEach>
  void RunDue(AfterEach after_each) {
    for (const Task& task : TakeDue()) {
      task();
      after_each();
    }
  }
  int wake_fd() const { return wake_.get(); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  std::vector<Task> TakeDue();

  const UniqueFd wake_;
  // The owner's thread only.
  std::multimap<SteadyTime, Task> timers_;

  Mutex mu_;
  std::vector<Task> posted_ ABSL_GUARDED_BY(mu_);
  // Whether the next Post() must wake the thread.
  bool sleeping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace cairn

#endif  // CAIRN_BASE_TASK_QUEUE_H_
