// FakeLoopExecutor: a loop that runs its tasks when a test calls Run().
//
// Thread: Post() from any; the rest on the test's.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_LOOP_EXECUTOR_H_
#define CAIRN_TESTS_SUPPORT_FAKE_LOOP_EXECUTOR_H_

#include <functional>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "edge/link_factory.h"

namespace cairn::edge {

class FakeLoopExecutor final : public LoopExecutor {
 public:
  void Post(std::function<void()> task) override {
    MutexLock lock(mu_);
    tasks_.push_back(std::move(task));
  }
  void PostAfter(absl::Duration wait, std::function<void()> task) override {
    waits.push_back(wait);
    Post(std::move(task));
  }

  size_t posted() const {
    MutexLock lock(mu_);
    return tasks_.size();
  }
  // Runs the tasks posted so far; tasks that they post wait for the next call.
  void Run() {
    std::vector<std::function<void()>> tasks;
    {
      MutexLock lock(mu_);
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }

  // Of every PostAfter().
  std::vector<absl::Duration> waits;

 private:
  mutable Mutex mu_;
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_FAKE_LOOP_EXECUTOR_H_
