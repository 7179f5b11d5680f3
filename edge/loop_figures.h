// LoopFigures: the figures of a loop: for the core, for operators, and for metrics.
//
// Owner:  one Loop.
// Thread: that loop's, unless a method says "any thread".
#ifndef CAIRN_EDGE_LOOP_FIGURES_H_
#define CAIRN_EDGE_LOOP_FIGURES_H_

#include <absl/time/time.h>

#include "edge/connection_context.h"
#include "edge/connection_table.h"
#include "edge/core_link.h"
#include "edge/counters.h"
#include "edge/edge_shared.h"

namespace cairn::edge {

class LoopFigures {
 public:
  LoopFigures(EdgeShared& shared, const ConnectionContext& context,
              const ConnectionTable& connections)
      : shared_(shared), context_(context), connections_(connections) {}

  // Tells the core what has changed, at most every 2 s; a loop with many active peers needs several
  // calls for it. Called on each tick, as is Set().
  void Report(const CoreLink& link);
  void Set(CoreLink& link);

  const EdgeGauges& gauges() const { return gauges_; }  // any thread

 private:
  // Borrowed; must outlive this.
  EdgeShared& shared_;
  const ConnectionContext& context_;
  const ConnectionTable& connections_;
  // Loop thread only.
  EdgeGauges gauges_;
  absl::Duration next_report_;
  absl::Duration next_queue_gauges_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LOOP_FIGURES_H_
