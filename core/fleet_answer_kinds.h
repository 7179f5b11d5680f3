// What answers another core's call: OneAnswer, ListAnswer, and WatchAnswer and TraceAnswer, which
// are FeedAnswers. For core/fleet_answers.cc alone.
//
// Thread: as FleetAnswer; each works in the router.
#ifndef CAIRN_CORE_FLEET_ANSWER_KINDS_H_
#define CAIRN_CORE_FLEET_ANSWER_KINDS_H_

#include <absl/status/status.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "core/admin_calls.h"
#include "core/fleet_answer.h"
#include "core/live_feed.h"
#include "core/router.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

// One message, or none and an error.
template <typename Request, typename Response>
class OneAnswer final : public FleetAnswer {
 public:
  using Run = AdminCalls::Unary<Request, Response>;
  OneAnswer(AdminCalls& calls, Run run, Request request, std::shared_ptr<FleetSender> sender,
            uint64_t to, const Frame& ask, absl::Duration now)
      : FleetAnswer(std::move(sender), to, ask, now),
        calls_(calls),
        run_(run),
        request_(std::move(request)) {}

  void Start() override {
    (calls_.*run_)(request_, &response_, [this, self = shared_from_this()](const auto& status) {
      if (status.ok()) Add(response_);
      End(status);
    });
  }

 private:
  AdminCalls& calls_;  // Borrowed; must outlive this.
  const Run run_;
  const Request request_;
  Response response_;
};

// Pages, one step in the router each.
template <typename Listing, typename Page>
class ListAnswer final : public FleetAnswer {
 public:
  ListAnswer(Core& core, Listing listing, std::shared_ptr<FleetSender> sender, uint64_t to,
             const Frame& ask, absl::Duration now)
      : FleetAnswer(std::move(sender), to, ask, now), core_(core), listing_(std::move(listing)) {}

  void Start() override { OnRoom(); }

 private:
  void OnRoom() override {
    if (!stepping_.exchange(true)) NextStep();
  }
  void NextStep() {
    RouterInput step =
        AdminCall{[this, self = shared_from_this()](Router& router) { Step(router); }};
    core_.Enter(step);
  }

  void Step(Router& router) {
    if (over()) return;
    Page page;
    const bool more = listing_.Step(router, page);
    if (page.ByteSizeLong() > 0) Add(page);
    if (!more) return End(absl::OkStatus());
    if (queued() == 0) return NextStep();
    stepping_ = false;
    // All may have been sent before stepping_ was reset.
    if (queued() == 0) OnRoom();
  }

  Core& core_;  // Borrowed; must outlive this.
  std::atomic<bool> stepping_{false};
  Listing listing_;  // with the router entered only
};

// Events as they happen. What the other core does not grant waits; above the bound it is counted.
template <typename Record, typename Listener>
class FeedAnswer : public FleetAnswer, public Listener {
 public:
  using Join = std::function<bool(Router&, std::shared_ptr<Listener>)>;
  FeedAnswer(Core& core, Join join, std::shared_ptr<FleetSender> sender, uint64_t to,
             const Frame& ask, absl::Duration now)
      : FleetAnswer(std::move(sender), to, ask, now), core_(core), join_(std::move(join)) {}

  void Start() override {
    RouterInput join = AdminCall{[self = Self()](Router& router) {
      if (!self->join_(router, self)) self->End(AdminCalls::TooManyListeners());
    }};
    core_.Enter(join);
  }

 protected:
  void Offer(const Record& record) {
    if (queued() >= kMaxQueuedEvents) {
      ++missed_;
      missed_at_us_ = record.time_us();
      return;
    }
    Record told = record;
    told.set_missed(std::exchange(missed_, 0));
    Add(told);
  }
  // The record contains only `missed` and the time of the last record that was left out.
  virtual void MarkMissed(Record&) {}

 private:
  std::shared_ptr<FeedAnswer> Self() {
    return std::static_pointer_cast<FeedAnswer>(shared_from_this());
  }
  void OnRoom() override {
    RouterInput tell = AdminCall{[self = Self()](Router&) {
      if (self->missed_ == 0) return;
      Record record;
      record.set_missed(std::exchange(self->missed_, 0));
      record.set_time_us(self->missed_at_us_);
      self->MarkMissed(record);
      self->Add(record);
    }};
    core_.Enter(tell);
  }
  void OnCancelled() override {
    RouterInput leave = AdminCall{[self = Self()](Router& router) {
      router.feed().Remove(static_cast<const Listener*>(self.get()));
    }};
    core_.Enter(leave);
  }

  Core& core_;  // Borrowed; must outlive this.
  const Join join_;

  // With the router entered only.
  uint64_t missed_ = 0;
  int64_t missed_at_us_ = 0;
};

class WatchAnswer final : public FeedAnswer<signaling::v1::Event, EventListener> {
 public:
  using FeedAnswer::FeedAnswer;
  void OnEvent(const signaling::v1::Event& event) override { Offer(event); }

 private:
  void MarkMissed(signaling::v1::Event& event) override {
    event.set_kind(signaling::v1::Event::KIND_MISSED);
  }
};

class TraceAnswer final : public FeedAnswer<signaling::v1::TraceRecord, TraceListener> {
 public:
  using FeedAnswer::FeedAnswer;
  void OnFrame(const signaling::v1::TraceRecord& record) override { Offer(record); }
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FLEET_ANSWER_KINDS_H_
