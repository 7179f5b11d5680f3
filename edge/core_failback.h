// CoreFailback: when the lanes of an edge return to a core that they prefer to the one they have:
// when probes have found it well for kWell, and some jitter, so that not all edges come at once.
//
// One lane at a time probes for all, so that they move together.
//
// Owner:  shared by the openers of all loops of an edge.
// Thread: any.
// Bounds: one probe every kProbeInterval.
#ifndef CAIRN_EDGE_CORE_FAILBACK_H_
#define CAIRN_EDGE_CORE_FAILBACK_H_

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/thread_annotations.h"

namespace cairn::edge {

class CoreFailback {
 public:
  static constexpr absl::Duration kProbeInterval = absl::Seconds(5);
  static constexpr absl::Duration kWell = absl::Minutes(1);
  static constexpr absl::Duration kJitter = absl::Seconds(15);

  // `seed`: of the jitter. `clock` must outlive this.
  CoreFailback(const Clock& clock, uint64_t seed);

  // Called every tick by a lane that is not with the core that it prefers: whether it must probe
  // now, and Report().
  bool ClaimProbe();
  // The address of the preferred core that has answered; empty: none has.
  void Report(const std::string& better);
  // How often the lanes of this edge were to return. Each returns when it finds it increased.
  uint64_t moves() const;

 private:
  const Clock& clock_;
  mutable Mutex mu_;
  uint64_t random_ ABSL_GUARDED_BY(mu_);
  absl::Duration next_probe_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();
  absl::Duration last_report_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();
  std::string better_ ABSL_GUARDED_BY(mu_);  // empty: nothing is well
  absl::Duration due_ ABSL_GUARDED_BY(mu_);
  uint64_t moves_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_FAILBACK_H_
