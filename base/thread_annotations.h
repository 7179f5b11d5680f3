// Clang's thread-safety attributes, and a mutex and condition variable that carry them (checked
// with -Wthread-safety). Unlike absl::Mutex of Debian's library, ThreadSanitizer understands them.
#ifndef CAIRN_BASE_THREAD_ANNOTATIONS_H_
#define CAIRN_BASE_THREAD_ANNOTATIONS_H_

#include <absl/base/thread_annotations.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace cairn {

// std::mutex with a capability attribute, which libstdc++'s own lacks.
class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mu_;
};

// std::condition_variable for it.
class CondVar {
 public:
  // Unlocks `mu` while it waits. It may return without a Signal().
  void Wait(Mutex& mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    std::unique_lock lock(mu.mu_, std::adopt_lock);
    signaled_.wait(lock);
    lock.release();
  }
  // The same until `end` at the latest; false if it is reached.
  bool WaitUntil(Mutex& mu, std::chrono::steady_clock::time_point end)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    std::unique_lock lock(mu.mu_, std::adopt_lock);
    const std::cv_status status = signaled_.wait_until(lock, end);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  // Wakes one thread that waits.
  void Signal() { signaled_.notify_one(); }

 private:
  std::condition_variable signaled_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(mu) { mu_.Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_THREAD_ANNOTATIONS_H_
