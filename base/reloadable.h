// Reloadable<T>: an immutable value that can be replaced; threads that use the old one keep it
// until they release it.
//
// Thread: any.
#ifndef CAIRN_BASE_RELOADABLE_H_
#define CAIRN_BASE_RELOADABLE_H_

#include <memory>
#include <utility>

#include "base/thread_annotations.h"

namespace cairn {

template <typename T>
class Reloadable {
 public:
  explicit Reloadable(std::shared_ptr<const T> value) : value_(std::move(value)) {}

  std::shared_ptr<const T> Get() const {
    MutexLock lock(mu_);
    return value_;
  }
  void Set(std::shared_ptr<const T> value) {
    MutexLock lock(mu_);
    value_.swap(value);
  }

 private:
  mutable Mutex mu_;
  std::shared_ptr<const T> value_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn

#endif  // CAIRN_BASE_RELOADABLE_H_
