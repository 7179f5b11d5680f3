// Combiner: lets any thread pass inputs to a state machine that has a single writer.
//
// If no thread holds the handler, the caller takes it, handles its input and what is queued
// meanwhile, and releases it. Otherwise the input is queued and Enter() returns at once. A caller
// that has handled kMaxStay inputs of others, or finds more of them queued, passes the rest to a
// thread of the combiner's own, so that no caller is delayed by others' work.
//
// Owner:  Core.
// Thread: any. The handler runs on one thread at a time; inputs of one thread keep their order.
// Bounds: the queue is bounded by its callers: a lane passes in a few batches until they are
//         handled (LaneEndpoint).
#ifndef CAIRN_CORE_COMBINER_H_
#define CAIRN_CORE_COMBINER_H_

#include <condition_variable>
#include <cstddef>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace cairn::core {

template <typename Input, typename Handler>
class Combiner {
 public:
  static constexpr size_t kMaxStay = 128;

  explicit Combiner(Handler handler)
      : handler_(std::move(handler)), successor_([this] { RunSuccessor(); }) {}
  // Handles what is queued first. REQUIRES: no thread calls Enter() any more.
  ~Combiner() {
    {
      const std::lock_guard lock(mu_);
      ending_ = true;
    }
    handed_over_.notify_one();
    successor_.join();
  }

  // Handles `input` in place if no thread holds the handler; otherwise moves it to the queue of the
  // thread that does.
  void Enter(Input& input) {
    {
      const std::lock_guard lock(mu_);
      if (busy_) {
        waiting_.push_back(std::move(input));
        return;
      }
      busy_ = true;
    }
    handler_(input);
    std::vector<Input> batch;
    for (size_t stay = kMaxStay; TakeWaiting(batch, stay); stay -= batch.size()) {
      for (Input& waiting : batch) handler_(waiting);
    }
  }

 private:
  // False when the queue is empty and the handler is released, or when the successor continues
  // because more than `most` wait.
  bool TakeWaiting(std::vector<Input>& batch, size_t most) {
    batch.clear();
    {
      const std::lock_guard lock(mu_);
      busy_ = !waiting_.empty();
      if (!busy_) return false;
      if (waiting_.size() <= most) {
        batch.swap(waiting_);
        return true;
      }
      successor_turn_ = true;
    }
    handed_over_.notify_one();
    return false;
  }

  void RunSuccessor() {
    std::vector<Input> batch;
    std::unique_lock lock(mu_);
    while (true) {
      handed_over_.wait(lock, [this] { return successor_turn_ || ending_; });
      if (!successor_turn_) return;
      successor_turn_ = false;
      lock.unlock();
      while (TakeWaiting(batch, std::numeric_limits<size_t>::max())) {
        for (Input& waiting : batch) handler_(waiting);
      }
      lock.lock();
    }
  }

  // Only by the thread that holds the handler.
  Handler handler_;
  std::mutex mu_;
  std::condition_variable handed_over_;
  // Guarded by mu_.
  bool busy_ = false;
  bool successor_turn_ = false;  // busy_, and the successor holds the handler
  bool ending_ = false;
  std::vector<Input> waiting_;
  std::thread successor_;  // last: it uses the others
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_COMBINER_H_
