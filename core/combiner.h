// Combiner: the door of a single-writer state machine that any thread may call.
//
// Whoever finds it free goes in and, before leaving, does what others have left at the door
// meanwhile. Nobody ever waits for the state machine: who finds it busy leaves the input and goes.
//
// Thread: any. The handler runs on the caller's thread, one at a time, in an order that keeps each
// thread's own. Bounds: the queue at the door is bounded by its callers: a lane enters once per
// batch.
#ifndef CAIRN_CORE_COMBINER_H_
#define CAIRN_CORE_COMBINER_H_

#include <utility>
#include <vector>

#include "base/thread_annotations.h"

namespace cairn::core {

template <typename Input, typename Handler>
class Combiner {
 public:
  explicit Combiner(Handler handler) : handler_(std::move(handler)) {}

  // Handles `input` in place if nobody is in, else moves it away to be handled by who is.
  void Enter(Input& input) {
    {
      MutexLock lock(mu_);
      if (busy_) {
        waiting_.push_back(std::move(input));
        return;
      }
      busy_ = true;
    }
    handler_(input);
    std::vector<Input> batch;
    while (TakeWaiting(batch)) {
      for (Input& waiting : batch) handler_(waiting);
      batch.clear();
    }
  }

 private:
  // False, and the door is free again, when nothing waits.
  bool TakeWaiting(std::vector<Input>& batch) {
    MutexLock lock(mu_);
    busy_ = !waiting_.empty();
    batch.swap(waiting_);
    return busy_;
  }

  // Only by who is in.
  Handler handler_;
  Mutex mu_;
  bool busy_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Input> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_COMBINER_H_
