// CoreSight: which cores the loops of one edge are connected to. More than one for a while means
// two cores behind one name, whose peers do not find each other.
//
// Owner:  EdgeShared.
// Thread: any.
// Bounds: one number a loop; one line of log a minute.
#ifndef CAIRN_EDGE_CORE_SIGHT_H_
#define CAIRN_EDGE_CORE_SIGHT_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"

namespace cairn::edge {

class CoreSight {
 public:
  // While a core is replaced, loops find the new one at different times.
  static constexpr absl::Duration kPatience = absl::Seconds(5);

  // `clock` must outlive this.
  CoreSight(size_t loops, const Clock& clock);

  // The core that the loop is connected to now; 0: none, or one in this process. To be called every
  // few seconds. Says in the log when loops see different cores for kPatience.
  void Note(uint32_t loop, uint64_t core_id);
  // How many there are.
  uint32_t cores() const;

 private:
  uint32_t Count() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock& clock_;
  mutable Mutex mu_;
  std::vector<uint64_t> by_loop_ ABSL_GUARDED_BY(mu_);
  absl::Duration one_at_ ABSL_GUARDED_BY(mu_);  // when there was last one, or none
  LogLimiter warnings_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_SIGHT_H_
