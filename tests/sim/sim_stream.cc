#include "tests/sim/sim_stream.h"

#include <algorithm>
#include <utility>

#include "proto/link/timing.h"

namespace cairn::sim {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

namespace {

constexpr int kUnavailable = 14;
constexpr int kCancelled = 1;
constexpr Time kConnectTimeout = link::kConnectTimeout.count() * kMs;
constexpr Time kKeepalive = (link::kKeepaliveInterval + link::kKeepaliveTimeout).count() * kMs;

}  // namespace

class SimStream::LaneEnd final : public edge::CoreStream {
 public:
  explicit LaneEnd(std::shared_ptr<SimStream> connection) : stream_(std::move(connection)) {}
  ~LaneEnd() override { stream_->CancelByLane(true); }
  bool Writable() override { return stream_->up_.Writable(); }
  void Write(const LaneToCore& message) override { stream_->up_.Write(message); }
  void Cancel() override {
    stream_->refused_ = true;
    stream_->CancelByLane(false);
  }

 private:
  const std::shared_ptr<SimStream> stream_;
};

SimStream::SimStream(Timeline& timeline, Random& random, Trace& trace, const Weather& weather,
                     CoreHost& core, edge::LoopExecutor& executor,
                     edge::CoreStreamListener& listener, std::string name)
    : timeline_(timeline),
      random_(random),
      trace_(trace),
      weather_(weather),
      core_(core),
      executor_(executor),
      listener_(&listener),
      name_(std::move(name)),
      up_(timeline, random, weather),
      down_(timeline, random, weather) {}

std::unique_ptr<edge::CoreStream> SimStream::Open() {
  const std::weak_ptr<SimStream> self = weak_from_this();
  up_.SetEnds(self, {[this](LaneToCore& message) { return TakeUp(message); },
                     [this] {
                       executor_.Post([self = shared_from_this()] {
                         if (self->listener_) self->listener_->OnStreamWritable();
                       });
                     }});
  down_.SetEnds(self, {[this](CoreToLane& message) { return TakeDown(message); },
                       [this] {
                         if (!core_told_ && opened_)
                           core_.Writable(incarnation_, shared_from_this());
                       }});
  if (timeline_.now() < weather_.refused_until || !core_.running()) {
    core_told_ = true;
    up_.Cut(0);
    // The kernel answers for a process that has ended; a broken network answers nothing.
    const bool answered =
        weather_.answers || random_.Chance(timeline_.now() < weather_.refused_until ? 60 : 98);
    TellEdge(answered ? random_.Between(50, 5 * kMs) : kConnectTimeout, kUnavailable, "refused");
  } else {
    incarnation_ = core_.incarnation();
    core_.Add(shared_from_this());
  }
  return std::make_unique<LaneEnd>(shared_from_this());
}

// ---- up

bool SimStream::TakeUp(LaneToCore& message) {
  if (core_told_ || closed_ || incarnation_ != core_.incarnation() || !core_.running()) return true;
  if (!opened_) {
    opened_ = true;
    CountTaken();
    trace_.Say(name_, " says Hello: core ", message.hello().core_id() % 1000, " link ",
               message.hello().link(), " received ", message.hello().received(), " roster ",
               message.hello().roster().lanes_size(),
               message.hello().roster().complete() ? " complete" : " incomplete");
    core_.Opened(incarnation_, shared_from_this(), message.hello());
    return true;
  }
  if (!reading_) return false;
  reading_ = false;
  CountTaken();
  LaneToCore batch = std::move(message);
  core_.Batch(incarnation_, shared_from_this(), batch);
  return true;
}

void SimStream::CountTaken() {
  if (freeze_after_ == 0 || --freeze_after_ > 0) return;
  SetFrozen(true);
  timeline_.After(freeze_for_, [weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->SetFrozen(false);
  });
}

void SimStream::OnHandled(LaneToCore&&) {
  reading_ = true;
  up_.Kick();
}

// ---- down

void SimStream::Write(const CoreToLane& message) {
  if (message.has_welcome()) core_.Welcomes(message.welcome());
  down_.Write(message);
}

bool SimStream::TakeDown(CoreToLane& message) {
  if (edge_told_ || !listener_) return true;
  if (inbox_.size() >= kMaxInbox) return false;
  inbox_.push_back(std::move(message));
  if (!std::exchange(take_posted_, true))
    executor_.Post([self = shared_from_this()] { self->TakeInbox(); });
  return true;
}

void SimStream::TakeInbox() {
  take_posted_ = false;
  std::vector<CoreToLane> taken;
  taken.swap(inbox_);
  down_.Kick();
  for (CoreToLane& message : taken) {
    if (!listener_) return;
    if (message.has_welcome()) {
      trace_.Say(name_, " gets Welcome: core ", message.welcome().core_id() % 1000, " link ",
                 message.welcome().link(), " ",
                 signaling::v1::Welcome::Outcome_Name(message.welcome().outcome()), " received ",
                 message.welcome().received());
    }
    listener_->OnStreamMessage(message);
  }
}

// ---- ends

Time SimStream::DetectionTime() {
  return random_.Chance(80) ? random_.Between(20, 50 * kMs) : random_.Between(50 * kMs, kKeepalive);
}

void SimStream::SetFrozen(bool frozen) {
  up_.SetFrozen(frozen);
  down_.SetFrozen(frozen);
}

void SimStream::Cut() {
  if (up_.dead() && down_.dead()) return;
  up_.Cut(random_.Below(up_.in_flight() + 1));
  down_.Cut(random_.Below(down_.in_flight() + 1));
  TellEdge(DetectionTime(), kUnavailable, "cut");
  TellCore(DetectionTime());
}

void SimStream::CutByCore(bool at_once) {
  if (edge_told_ && core_told_) return;
  core_told_ = true;
  up_.Cut(0);
  down_.Cut(random_.Below(down_.in_flight() + 1));
  TellEdge(at_once ? random_.Between(20, 5 * kMs) : DetectionTime(), kUnavailable, "core lost");
}

void SimStream::CancelByLane(bool gone) {
  if (gone) listener_ = nullptr;
  up_.Cut(random_.Below(up_.in_flight() + 1));
  down_.Cut(0);
  if (!gone) TellEdge(random_.Between(20, 500), kCancelled, "cancelled");
  TellCore(DetectionTime());
}

void SimStream::Close(const absl::Status& status) {
  closed_ = true;
  trace_.Say(name_, " is closed by the core: ", status.ToString());
  up_.Cut(0);
  down_.Cut(random_.Chance(50) ? down_.in_flight() : random_.Below(down_.in_flight() + 1));
  TellEdge(random_.Between(50, 2 * kMs), static_cast<int>(status.code()),
           std::string(status.message()));
  TellCore(random_.Between(50, 2 * kMs));
}

void SimStream::TellEdge(Time wait, int code, const std::string& message) {
  timeline_.At(std::max(timeline_.now() + wait, down_.last_arrival() + 1),
               [self = shared_from_this(), code, message] {
                 if (std::exchange(self->edge_told_, true)) return;
                 self->executor_.Post([self, code, message] {
                   if (!self->listener_) return;
                   self->TakeInbox();
                   if (!self->listener_) return;
                   self->trace_.Say(self->name_, " has ended: ", message);
                   std::exchange(self->listener_, nullptr)->OnStreamEnded(code, message);
                 });
               });
}

void SimStream::TellCore(Time wait) {
  timeline_.At(std::max(timeline_.now() + wait, up_.last_arrival() + 1),
               [self = shared_from_this()] {
                 if (std::exchange(self->core_told_, true) || !self->opened_) return;
                 self->trace_.Say(self->name_, " is closed, as the core sees it");
                 self->core_.Closed(self->incarnation_, self);
               });
}

}  // namespace cairn::sim
