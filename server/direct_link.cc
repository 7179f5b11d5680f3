#include "server/direct_link.h"

#include <atomic>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/thread_annotations.h"
#include "proto/link/cost.h"
#include "proto/link/items.h"

namespace cairn::server {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

class DirectLink;

// Where the router leaves messages for the loop. The router may hold it longer than the link lives.
class QueueingSink final : public core::EdgeSink {
 public:
  // Batches that the router has not handled yet; further ones wait in the lane.
  static constexpr int kMaxUnhandledBatches = 8;
  // Cost of what the loop has not taken.
  static constexpr size_t kBehind = 1 << 20;

  QueueingSink(DirectLink* link, std::shared_ptr<QueuedTotal> total)
      : link_(link), total_(std::move(total)) {}

  // ---- called by the router
  void Send(CoreToLane& message) override;
  void OnHandled(LaneToCore&& batch) override;
  bool IsBehind() override {
    MutexLock lock(mu_);
    return cost_ > kBehind;
  }

  // ---- loop thread
  // The loop is about to poll by itself, so it need not be woken.
  void BeginSubmit() {
    at_door_.fetch_add(1, std::memory_order_relaxed);
    MutexLock lock(mu_);
    loop_looks_ = true;
  }
  bool HasRoom() {
    if (at_door_.load(std::memory_order_relaxed) < kMaxUnhandledBatches && !total_->high())
      return true;
    MutexLock lock(mu_);
    wants_room_ = true;
    return false;
  }
  // The router has handled all batches.
  bool idle() const { return at_door_.load(std::memory_order_relaxed) == 0; }
  // Swaps the messages that have come into `into`, and the memory of the last batch into `spare`.
  // REQUIRES: both are empty.
  void Take(CoreToLane& into, LaneToCore& spare) {
    MutexLock lock(mu_);
    loop_looks_ = false;
    into.Swap(&waiting_);
    spare.Swap(&spare_);
    total_->Remove(std::exchange(cost_, 0));
  }
  size_t cost() {
    MutexLock lock(mu_);
    return cost_;
  }
  void Detach() {
    MutexLock lock(mu_);
    link_ = nullptr;
    total_->Remove(std::exchange(cost_, 0));
  }

 private:
  std::atomic<int> at_door_{0};
  Mutex mu_;
  DirectLink* link_ ABSL_GUARDED_BY(mu_);
  CoreToLane waiting_ ABSL_GUARDED_BY(mu_);
  size_t cost_ ABSL_GUARDED_BY(mu_) = 0;  // of waiting_
  LaneToCore spare_ ABSL_GUARDED_BY(mu_);
  bool loop_looks_ ABSL_GUARDED_BY(mu_) = false;
  bool wants_room_ ABSL_GUARDED_BY(mu_) = false;
  const std::shared_ptr<QueuedTotal> total_;
};

class DirectLink final : public edge::CoreLink {
 public:
  // The messages of so many events, on their way there and back, stay in a processor's cache.
  static constexpr int kLargeBatch = 64;

  DirectLink(core::Core& core, std::shared_ptr<QueuedTotal> total, edge::LaneIdentity identity,
             edge::CoreLinkListener& listener, edge::LoopExecutor& executor)
      : core_(core),
        identity_(std::move(identity)),
        listener_(listener),
        executor_(executor),
        sink_(std::make_shared<QueueingSink>(this, std::move(total))) {}

  ~DirectLink() override {
    sink_->Detach();
    core::RouterInput closed = core::LaneClosed{sink_};
    core_.Enter(closed);
  }

  void Start() override {
    core::RouterInput opened = core::DirectOpened{sink_, identity_.ToHello()};
    core_.Enter(opened);
    listener_.OnSession({});
  }
  void Submit(LaneToCore& batch) override {
    batches_.Add(batch.events_size());
    core::RouterInput input = core::BatchOf(sink_, batch);
    sink_->BeginSubmit();
    core_.Enter(input);
    TakeInbox(batch);
  }
  size_t Room() const override {
    return sink_->HasRoom() ? std::numeric_limits<int64_t>::max() : 0;
  }
  int large_batch() const override {
    return sink_->idle() ? kLargeBatch : std::numeric_limits<int>::max();
  }
  size_t cost() const override { return 0; }
  size_t unread_cost() override { return sink_->cost(); }
  void Tick() override { listener_.OnRoom(); }
  bool can_break() const override { return false; }
  bool connected() const override { return true; }
  const edge::BatchHistogram& batches() const override { return batches_; }

  void Wake() {
    executor_.Post([this] {
      LaneToCore spare;
      TakeInbox(spare);
      listener_.OnRoom();
    });
  }

 private:
  void TakeInbox(LaneToCore& spare) {
    sink_->Take(taken_, spare);
    listener_.OnCoreMessage(taken_);
    taken_.Clear();
  }

  // Borrowed; must outlive this.
  core::Core& core_;
  // Immutable after construction.
  const edge::LaneIdentity identity_;
  // Borrowed; must outlive this.
  edge::CoreLinkListener& listener_;
  edge::LoopExecutor& executor_;
  const std::shared_ptr<QueueingSink> sink_;
  // Loop thread only. Kept for its memory.
  CoreToLane taken_;
  edge::BatchHistogram batches_;
};

void QueueingSink::Send(CoreToLane& message) {
  MutexLock lock(mu_);
  if (!link_) {
    message.Clear();
    return;
  }
  const size_t cost = link::CostOf(message);
  cost_ += cost;
  total_->Add(cost);
  const bool wake = !loop_looks_ && link::IsEmpty(waiting_);
  link::MoveAll(message, waiting_);
  if (wake) link_->Wake();
}

void QueueingSink::OnHandled(LaneToCore&& batch) {
  at_door_.fetch_sub(1, std::memory_order_relaxed);
  MutexLock lock(mu_);
  spare_.Swap(&batch);
  if (std::exchange(wants_room_, false) && link_ && !loop_looks_) link_->Wake();
}

}  // namespace

std::unique_ptr<edge::CoreLink> DirectLinkFactory::NewLink(const edge::LaneIdentity& identity,
                                                           edge::CoreLinkListener& listener,
                                                           edge::LoopExecutor& executor) {
  return std::make_unique<DirectLink>(core_, total_, identity, listener, executor);
}

}  // namespace cairn::server
