// PollingThreads: runs tasks on the threads on which gRPC runs its callbacks. gRPC has no way to
// ask for that: a call that fails at once has a callback.
//
// Owner:  LonePoller.
// Thread: any.
// Bounds: what the callers do not hold back.
#ifndef CAIRN_CORE_POLLING_THREADS_H_
#define CAIRN_CORE_POLLING_THREADS_H_

#include <functional>
#include <memory>

namespace cairn::core {

class PollingThreads {
 public:
  PollingThreads();
  // REQUIRES: every task has returned, but for what it does after its caller was told.
  ~PollingThreads();
  PollingThreads(const PollingThreads&) = delete;
  PollingThreads& operator=(const PollingThreads&) = delete;

  void Run(std::function<void()> task);

 private:
  struct Parts;

  const std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_POLLING_THREADS_H_
