#include "server/direct_link.h"

#include <utility>

#include "base/thread_annotations.h"
#include "core/core_message.h"

namespace cairn::server {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

class DirectLink;

// Where the router leaves messages for the loop. Outlives the link for as long as the router knows
// it.
class Inbox final : public core::EdgeSink {
 public:
  explicit Inbox(DirectLink* link) : link_(link) {}

  void Send(CoreToLane& message) override;
  // A lane of this process opens one stream, so that none can replace it.
  void Close(const absl::Status&) override {}
  bool acknowledges() const override { return false; }
  std::deque<CoreToLane> TakeUnanswered() override { return {}; }

  // Loop thread. While the loop is about to look by itself, it need not be woken.
  void BeginSubmit() {
    MutexLock lock(mu_);
    loop_looks_ = true;
  }
  // Swaps what has come into `into`, which is empty.
  void Take(CoreToLane& into) {
    MutexLock lock(mu_);
    loop_looks_ = false;
    into.Swap(&waiting_);
  }
  void Detach() {
    MutexLock lock(mu_);
    link_ = nullptr;
  }

 private:
  Mutex mu_;
  DirectLink* link_ ABSL_GUARDED_BY(mu_);
  CoreToLane waiting_ ABSL_GUARDED_BY(mu_);
  bool loop_looks_ ABSL_GUARDED_BY(mu_) = false;
};

class DirectLink final : public edge::CoreLink {
 public:
  DirectLink(core::Core& core, const edge::LaneIdentity& identity, edge::CoreLinkListener& listener,
             edge::LoopExecutor& executor)
      : core_(core),
        listener_(listener),
        executor_(executor),
        inbox_(std::make_shared<Inbox>(this)) {
    core::RouterInput opened = core::LaneOpened{inbox_, identity.ToHello()};
    core_.Enter(opened);
    // The snapshot of a lane that has nobody yet: whoever comes after it is new.
    LaneToCore nobody;
    nobody.add_events()->set_kind(signaling::v1::LaneEvent::KIND_SNAPSHOT_END);
    core::RouterInput snapshot = core::LaneBatch{inbox_, std::move(nobody)};
    core_.Enter(snapshot);
    batch_ = core::LaneBatch{inbox_, {}};
  }

  ~DirectLink() override {
    inbox_->Detach();
    core::RouterInput closed = core::LaneClosed{inbox_};
    core_.Enter(closed);
  }

  void Submit(LaneToCore& batch) override {
    auto& input = std::get<core::LaneBatch>(batch_);
    batches_.Add(batch.events_size());
    input.batch.Swap(&batch);
    input.sink = inbox_;
    inbox_->BeginSubmit();
    core_.Enter(batch_);
    // Moved away if somebody else was in; its memory comes back otherwise.
    input.batch.Swap(&batch);
    batch.Clear();
    TakeInbox();
  }
  void Tick() override {}
  bool congested() const override { return false; }
  bool can_break() const override { return false; }
  bool connected() const override { return true; }
  size_t backlog_bytes() const override { return 0; }
  const edge::BatchHistogram& batches() const override { return batches_; }

  void Wake() {
    executor_.Post([this] { TakeInbox(); });
  }

 private:
  void TakeInbox() {
    inbox_->Take(taken_);
    listener_.OnCoreMessage(taken_);
    taken_.Clear();
  }

  // Borrowed; must outlive this.
  core::Core& core_;
  edge::CoreLinkListener& listener_;
  edge::LoopExecutor& executor_;
  const std::shared_ptr<Inbox> inbox_;
  // Loop thread only. Kept over batches for their memory.
  core::RouterInput batch_;
  CoreToLane taken_;
  edge::BatchHistogram batches_;
};

void Inbox::Send(CoreToLane& message) {
  MutexLock lock(mu_);
  if (!link_) {
    message.Clear();
    return;
  }
  const bool wake = !loop_looks_ && core::IsEmpty(waiting_);
  core::AppendCoreMessage(message, waiting_);
  if (wake) link_->Wake();
}

}  // namespace

std::unique_ptr<edge::CoreLink> DirectLinkFactory::NewLink(const edge::LaneIdentity& identity,
                                                           edge::CoreLinkListener& listener,
                                                           edge::LoopExecutor& executor) {
  return std::make_unique<DirectLink>(core_, identity, listener, executor);
}

}  // namespace cairn::server
