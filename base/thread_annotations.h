// Clang's thread-safety attributes under short names, and a mutex that carries them (checked with
// -Wthread-safety).
#ifndef CAIRN_BASE_THREAD_ANNOTATIONS_H_
#define CAIRN_BASE_THREAD_ANNOTATIONS_H_

#include <absl/base/thread_annotations.h>

#include <mutex>

namespace cairn {

// std::mutex with a capability attribute, which libstdc++'s own lacks.
class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  std::mutex mu_;
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
