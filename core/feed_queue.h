// FeedQueue: the records of a feed that its reader has not read. Above the bound records are
// counted instead. The next queued record says how many were left out before it; if there is none,
// a record that says only that follows the last one.
//
// Owner:  a server stream (core/admin_streams.cc), under its lock.
// Bounds: `max_queued` records.
#ifndef CAIRN_CORE_FEED_QUEUE_H_
#define CAIRN_CORE_FEED_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace cairn::core {

// REQUIRES: Record is a protobuf message with time_us and missed.
template <typename Record>
class FeedQueue {
 public:
  // `mark_missed` changes a record that has only `missed` and the time of the last one left out.
  explicit FeedQueue(size_t max_queued, void (*mark_missed)(Record&) = nullptr)
      : max_queued_(max_queued), mark_missed_(mark_missed) {}

  void Add(const Record& record) {
    if (queue_.size() >= max_queued_) {
      ++missed_;
      missed_at_us_ = record.time_us();
      return;
    }
    queue_.push_back(record);
    queue_.back().set_missed(std::exchange(missed_, 0));
  }
  // Moves the next record into `record`. False if there is none.
  bool Take(Record& record) {
    if (queue_.empty() && missed_ == 0) return false;
    if (queue_.empty()) {
      record.Clear();
      record.set_missed(std::exchange(missed_, 0));
      record.set_time_us(missed_at_us_);
      if (mark_missed_) mark_missed_(record);
    } else {
      record = std::move(queue_.front());
      queue_.pop_front();
    }
    return true;
  }
  void Clear() {
    queue_.clear();
    missed_ = 0;
  }

 private:
  const size_t max_queued_;
  void (*const mark_missed_)(Record&);
  std::deque<Record> queue_;
  uint64_t missed_ = 0;
  int64_t missed_at_us_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FEED_QUEUE_H_
