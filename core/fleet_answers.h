// FleetAnswers: calls of operators that other cores of the fleet pass on to this one, and what is
// sent back. core/fleet_calls.h is the other end.
//
// The other core has checked the caller: that it has the fleet's key is all that is asked of it.
//
// Owner:  Fleet.
// Thread: any; the work runs in the router, a bounded amount at a time.
// Bounds: kMaxAnswers at once; of each the frames that it was granted, and one message or
//         kMaxQueuedEvents of a feed. One that no core has asked for in kForgotten is dropped.
#ifndef CAIRN_CORE_FLEET_ANSWERS_H_
#define CAIRN_CORE_FLEET_ANSWERS_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "core/admin_calls.h"
#include "core/fleet_answer.h"
#include "core/mesh_bus.h"

namespace cairn::core {

// Whether only an operator may make the call, and not a viewer.
bool MustOperate(signaling::v1::FleetFrame::Method method);

class FleetAnswers {
 public:
  static constexpr size_t kMaxAnswers = 256;
  static constexpr absl::Duration kForgotten = absl::Seconds(5);

  // `bus` and `calls` must outlive the object.
  FleetAnswers(uint64_t core_id, MeshBus& bus, AdminCalls& calls);
  ~FleetAnswers();

  void OnFrame(uint64_t from, signaling::v1::FleetFrame& frame);
  void Tick();
  // Sends nothing from now on.
  void Stop();

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // the asking core, its call

  void Start(const Key& key, signaling::v1::FleetFrame& ask);
  std::shared_ptr<FleetAnswer> Find(const Key& key);

  // Borrowed; must outlive this.
  AdminCalls& calls_;

  const std::shared_ptr<FleetSender> sender_;
  Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::map<Key, std::shared_ptr<FleetAnswer>> answers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FLEET_ANSWERS_H_
