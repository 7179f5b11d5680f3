// FleetFeed: what several cores tell as it happens, as one feed.
//
// Owner:  FleetClient, for one call.
// Thread: Add(), Next() and TakeEnded(): one; each core is read by a thread of its own.
// Bounds: kMaxWaiting records; then cores are not read, and count what they leave out.
#ifndef CAIRN_ADMIN_CLI_RPC_FLEET_FEED_H_
#define CAIRN_ADMIN_CLI_RPC_FLEET_FEED_H_

#include <absl/status/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

template <typename Record>
class FleetFeed {
 public:
  static constexpr size_t kMaxWaiting = 1024;
  static constexpr std::chrono::milliseconds kPatience{100};
  using Core = ::cairn::signaling::v1::CoreInfo;
  using Put = std::function<bool(const Record&)>;

  ~FleetFeed() {
    {
      const std::lock_guard lock(mu_);
      over_ = true;
      changed_.notify_all();
    }
    for (Follower& follower : followers_) follower.thread.join();
  }

  // Follows the core, unless it does already. `follow` hands records to `put` until that returns
  // false or over() is true.
  template <typename Follow>
  void Add(const Core& core, Follow follow) {
    for (auto it = followers_.begin(); it != followers_.end();) {
      const auto follower = it++;
      if (follower->id != core.core_id()) continue;
      if (!follower->ended) return;
      follower->thread.join();
      followers_.erase(follower);
    }
    Follower& follower = followers_.emplace_back();
    follower.id = core.core_id();
    follower.thread = std::thread([this, core, &ended = follower.ended,
                                   follow = std::make_shared<Follow>(std::move(follow))] {
      const absl::Status status = (*follow)([this](const Record& record) { return Offer(record); });
      const std::lock_guard lock(mu_);
      ends_.emplace_back(core, status);
      ended = true;
      changed_.notify_all();
    });
  }

  // The next record, if there is one within kPatience.
  std::optional<Record> Next() {
    std::unique_lock lock(mu_);
    changed_.wait_for(lock, kPatience, [this] { return !waiting_.empty() || !ends_.empty(); });
    if (waiting_.empty()) return std::nullopt;
    Record record = std::move(waiting_.front());
    waiting_.pop_front();
    changed_.notify_all();
    return record;
  }
  // A core whose feed has ended, and why.
  std::optional<std::pair<Core, absl::Status>> TakeEnded() {
    const std::lock_guard lock(mu_);
    // What it told comes first.
    if (ends_.empty() || !waiting_.empty()) return std::nullopt;
    auto ended = std::move(ends_.front());
    ends_.pop_front();
    return ended;
  }
  bool over() const { return over_; }

 private:
  struct Follower {
    std::string id;
    std::thread thread;
    std::atomic<bool> ended{false};
  };

  bool Offer(const Record& record) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [this] { return over_ || waiting_.size() < kMaxWaiting; });
    if (over_) return false;
    waiting_.push_back(record);
    changed_.notify_all();
    return true;
  }

  std::list<Follower> followers_;
  std::atomic<bool> over_{false};
  std::mutex mu_;
  std::condition_variable changed_;
  // Guarded by mu_.
  std::deque<Record> waiting_;
  std::deque<std::pair<Core, absl::Status>> ends_;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_FLEET_FEED_H_
