// CoreFigures: what the core says of itself for metrics; while its router has too much to do, what
// it said last, and how old that is.
//
// Owner:  Ops.
// Thread: the endpoint's.
// Bounds: one snapshot.
#ifndef CAIRN_SERVER_CORE_FIGURES_H_
#define CAIRN_SERVER_CORE_FIGURES_H_

#include <absl/time/time.h>

#include <optional>
#include <utility>

#include "base/clock.h"
#include "core/core_snapshot.h"

namespace cairn::server {

class CoreFigures {
 public:
  // Both must outlive this.
  CoreFigures(core::Core& core, const Clock& clock) : core_(core), clock_(clock) {}

  // Waits so long for the router. Absent: it has never answered.
  const std::optional<core::CoreSnapshot>& Take(absl::Duration patience) {
    if (auto now = core::TakeSnapshot(core_, patience)) {
      last_ = *std::move(now);
      taken_ = clock_.Elapsed();
      age_ = absl::ZeroDuration();
    } else if (last_) {
      age_ = clock_.Elapsed() - taken_;
    }
    return last_;
  }
  // Of what Take() has returned; zero: the router has answered.
  absl::Duration age() const { return age_; }

 private:
  core::Core& core_;
  const Clock& clock_;
  std::optional<core::CoreSnapshot> last_;
  absl::Duration taken_;
  absl::Duration age_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CORE_FIGURES_H_
