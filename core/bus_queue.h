// BusQueue: messages between the thread that must not block and the one that sends, bounded in
// bytes.
//
// Thread: any; waits only in Take().
// Bounds: kMaxBusQueueBytes of messages; what does not fit is refused. More than
//         kMaxBusQueueMessages are not asked for: what comes then is gathered, and sent in fewer
//         and larger ones. Keeps the memory of kMaxSpare messages.
#ifndef CAIRN_CORE_BUS_QUEUE_H_
#define CAIRN_CORE_BUS_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"

namespace cairn::core {

inline constexpr size_t kMaxBusQueueBytes = 16 << 20;
// One for each core of a fleet.
inline constexpr size_t kMaxBusQueueMessages = 64;

class BusQueue {
 public:
  struct Message {
    std::optional<uint64_t> to;  // nullopt: all
    std::string bytes;
  };

  explicit BusQueue(size_t max_bytes = kMaxBusQueueBytes) : max_bytes_(max_bytes) {}

  // Whether it is open, less than half full and has few messages; if not, Take() or Open() will say
  // that it has become so.
  bool Writable() {
    const MutexLock lock(mu_);
    const bool writable =
        open_ && bytes_ < max_bytes_ / 2 && waiting_.size() < kMaxBusQueueMessages;
    if (!writable) refused_ = true;
    return writable;
  }
  // Memory of a message that has been sent, or none.
  std::string TakeSpare() {
    const MutexLock lock(mu_);
    if (spare_.empty()) return {};
    std::string spare = std::move(spare_.back());
    spare_.pop_back();
    return spare;
  }
  // They have been sent.
  void GiveBack(std::vector<Message>& messages) {
    const MutexLock lock(mu_);
    for (Message& message : messages) {
      if (spare_.size() < kMaxSpare) spare_.push_back(std::move(message.bytes));
    }
  }
  // Lost when it does not fit, or while the queue is not open.
  void Put(Message message) {
    const MutexLock lock(mu_);
    if (!open_ || bytes_ + message.bytes.size() > max_bytes_) {
      ++lost_;
      return;
    }
    bytes_ += message.bytes.size();
    waiting_.push_back(std::move(message));
    ready_.Signal();
  }

  struct Taken {
    std::vector<Message> messages;  // none once Close() was called
    bool now_writable = false;      // Writable() was false before
  };
  // All that waits, once something does.
  Taken Take() {
    const MutexLock lock(mu_);
    while (open_ && waiting_.empty()) ready_.Wait(mu_);
    bytes_ = 0;
    return {std::exchange(waiting_, {}), open_ && std::exchange(refused_, false)};
  }
  // Whether Writable() was false before.
  bool Open() {
    const MutexLock lock(mu_);
    open_ = true;
    return std::exchange(refused_, false);
  }
  // What waits is lost. A queue begins closed.
  void Close() {
    const MutexLock lock(mu_);
    open_ = false;
    bytes_ = 0;
    lost_ += waiting_.size();
    waiting_.clear();
    ready_.Signal();
  }

  // Messages that were not sent.
  uint64_t lost() const {
    const MutexLock lock(mu_);
    return lost_;
  }

 private:
  static constexpr size_t kMaxSpare = 8;

  // Immutable after construction.
  const size_t max_bytes_;

  mutable Mutex mu_;
  CondVar ready_;  // Take() need not wait
  // Guarded by mu_.
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  bool refused_ ABSL_GUARDED_BY(mu_) = false;  // somebody waits for Writable()
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t lost_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Message> waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> spare_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_BUS_QUEUE_H_
