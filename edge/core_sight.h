// CoreSight: the cores that the loops of one edge are connected to. More than one for some time
// means that two cores have the same name, so that their peers do not find each other. Cores of one
// fleet count as one.
//
// Owner:  EdgeShared.
// Thread: any.
// Bounds: one number a loop; one log line a minute.
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
  // While a core is replaced, loops connect to the new one at different times.
  static constexpr absl::Duration kPatience = absl::Seconds(5);

  // `clock` must outlive this.
  CoreSight(size_t loops, const Clock& clock);

  // The core that the loop is connected to now; 0: none, or one in this process; and its fleet, 0:
  // none. Must be called every few seconds. Logs when loops are connected to different cores for
  // kPatience.
  void Note(uint32_t loop, uint64_t core_id, uint64_t fleet);
  // The number of different cores.
  uint32_t cores() const;

 private:
  uint32_t Count() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock& clock_;
  mutable Mutex mu_;
  std::vector<uint64_t> by_loop_ ABSL_GUARDED_BY(mu_);  // ids of cores or of fleets
  absl::Duration one_at_ ABSL_GUARDED_BY(mu_);          // when there was last at most one
  LogLimiter warnings_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_SIGHT_H_
