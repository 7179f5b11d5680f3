// PollLoop: a loop that runs tasks and watches sockets while a test waits for a condition.
//
// Thread: Post() from any; the rest on the test's.
#ifndef CAIRN_TESTS_SUPPORT_POLL_LOOP_H_
#define CAIRN_TESTS_SUPPORT_POLL_LOOP_H_

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <poll.h>
#include <sys/epoll.h>

#include <cerrno>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "edge/link_factory.h"

namespace cairn::edge {

class PollLoop final : public LoopExecutor, private SocketWatch {
 public:
  void Post(std::function<void()> task) override {
    MutexLock lock(mu_);
    tasks_.push_back(std::move(task));
  }
  // Kept until the test runs them with RunTimers().
  void PostAfter(absl::Duration wait, std::function<void()> task) override {
    timers_.emplace(wait, std::move(task));
  }
  SocketWatch* sockets() override { return this; }

  // Whether the condition comes true within some seconds.
  bool RunUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!condition()) {
      if (absl::Now() > deadline) return false;
      Turn();
    }
    return true;
  }
  // Runs the timers whose wait is at most `passed`.
  void RunTimers(absl::Duration passed) {
    std::vector<std::function<void()>> due;
    const auto end = timers_.upper_bound(passed);
    for (auto timer = timers_.begin(); timer != end; ++timer) due.push_back(timer->second);
    timers_.erase(timers_.begin(), end);
    for (const auto& task : due) task();
  }
  size_t watched() const { return sockets_.size(); }

  // How many more sockets the kernel has memory for.
  size_t watches_left = ~size_t{0};

 private:
  struct Watched {
    uint32_t events;
    SocketListener* listener;
  };

  bool WatchSocket(int fd, uint32_t events, SocketListener& listener) override {
    if (!sockets_.contains(fd)) {
      errno = ENOSPC;
      if (watches_left == 0) return false;
      --watches_left;
    }
    sockets_[fd] = {events, &listener};
    return true;
  }
  void ForgetSocket(int fd) override { sockets_.erase(fd); }

  void Turn() {
    std::vector<std::function<void()>> tasks;
    {
      MutexLock lock(mu_);
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
    std::vector<pollfd> polled;
    // poll's bits are epoll's.
    for (const auto& [fd, watched] : sockets_)
      polled.push_back({fd, static_cast<short>(watched.events), 0});
    poll(polled.data(), polled.size(), 1);
    for (const pollfd& one : polled) {
      const auto found = sockets_.find(one.fd);
      if (one.revents != 0 && found != sockets_.end())
        found->second.listener->OnSocketReady(static_cast<uint32_t>(one.revents));
    }
  }

  std::map<int, Watched> sockets_;
  std::multimap<absl::Duration, std::function<void()>> timers_;
  Mutex mu_;
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_POLL_LOOP_H_
