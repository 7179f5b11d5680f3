// Pipe: one direction of a stream: delivers copies of messages, in order, each some time after it
// was written.
//
// A write completes some time after it was begun, so that its writer gathers more for the next
// one; and not before the other end takes what is in flight. A pipe can be frozen, and cut after
// any prefix of what is in flight.
//
// Owner:  SimStream.
#ifndef CAIRN_TESTS_SIM_PIPE_H_
#define CAIRN_TESTS_SIM_PIPE_H_

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "base/check.h"
#include "tests/sim/random.h"
#include "tests/sim/timeline.h"

namespace cairn::sim {

// The state of a lane's network.
struct Weather {
  Time min_delay = 100;
  Time max_delay = 1 * kMs;
  Time slow = 0;           // additional time for each message, one after the other
  Time refused_until = 0;  // until then connections are refused
  bool answers = false;    // a connection is refused at once, not by a time-out
};

template <typename Message>
class Pipe {
 public:
  // The number of messages that the other end has not taken.
  static constexpr size_t kWindow = 6;

  struct Ends {
    // False: the other end does not take the message now, and Kick() follows.
    std::function<bool(Message&)> take;
    // Called after Writable() was false.
    std::function<void()> writable;
  };

  // `owner` keeps the pipe alive for as long as an event is due.
  Pipe(Timeline& timeline, Random& random, const Weather& weather)
      : timeline_(timeline), random_(random), weather_(weather) {}
  void SetEnds(std::weak_ptr<void> owner, Ends ends) {
    owner_ = std::move(owner);
    ends_ = std::move(ends);
  }

  bool Writable() {
    wants_ = busy_;
    return !busy_;
  }
  void Write(const Message& message) {
    CAIRN_CHECK(!busy_);
    busy_ = true;
    if (dead_) return;
    const Time delay = random_.Between(weather_.min_delay, weather_.max_delay);
    const Time starts = weather_.slow > 0 ? std::max(timeline_.now(), last_) : timeline_.now();
    last_ = std::max(last_, starts + delay + weather_.slow);
    flight_.push_back({message, last_});
    Schedule(last_);
    completes_ = timeline_.now() + random_.Between(5, 300) + weather_.slow / 2;
    Schedule(completes_);
  }
  // The other end may take messages again.
  void Kick() { Schedule(timeline_.now()); }
  void SetFrozen(bool frozen) {
    frozen_ = frozen;
    if (!frozen) Kick();
  }
  // Only the first `keep` of what is in flight arrive, and nothing that is written from now on.
  void Cut(size_t keep) {
    dead_ = true;
    if (keep < flight_.size()) flight_.resize(keep);
    SetFrozen(false);
  }
  bool dead() const { return dead_; }
  size_t in_flight() const { return flight_.size(); }
  // When the last of what is in flight arrives.
  Time last_arrival() const { return std::max(last_, timeline_.now()); }

 private:
  struct Flight {
    Message message;
    Time at;
  };

  void Schedule(Time when) {
    timeline_.At(when, [this, owner = owner_] {
      const std::shared_ptr<void> alive = owner.lock();
      if (alive) Move();
    });
  }
  void Move() {
    if (frozen_) return;
    while (!flight_.empty() && flight_.front().at <= timeline_.now()) {
      if (!ends_.take(flight_.front().message)) break;
      if (!flight_.empty()) flight_.pop_front();  // it may have been cut meanwhile
    }
    if (!busy_ || dead_ || timeline_.now() < completes_ || flight_.size() >= kWindow) return;
    busy_ = false;
    if (std::exchange(wants_, false)) ends_.writable();
  }

  Timeline& timeline_;
  Random& random_;
  const Weather& weather_;
  std::weak_ptr<void> owner_;
  Ends ends_;
  std::deque<Flight> flight_;
  Time last_ = 0;
  Time completes_ = 0;
  bool busy_ = false;
  bool wants_ = false;
  bool frozen_ = false;
  bool dead_ = false;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_PIPE_H_
