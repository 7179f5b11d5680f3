// FleetAnswer: one call of another core, being answered: a queue of messages, and the frames that
// the other core has granted.
//
// Owner:  FleetAnswers, and whatever in the router still works for it.
// Thread: any.
// Bounds: Full() says when a source is to pause.
#ifndef CAIRN_CORE_FLEET_ANSWER_H_
#define CAIRN_CORE_FLEET_ANSWER_H_

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "base/thread_annotations.h"
#include "core/mesh_bus.h"

namespace cairn::core {

// The bus, until it ends.
class FleetSender {
 public:
  FleetSender(uint64_t core_id, MeshBus& bus) : core_id_(core_id), bus_(&bus) {}
  void Send(uint64_t to, signaling::v1::FleetFrame frame);
  void Stop();

 private:
  const uint64_t core_id_;
  Mutex mu_;
  MeshBus* bus_ ABSL_GUARDED_BY(mu_);  // Borrowed; null: it has ended
};

class FleetAnswer : public std::enable_shared_from_this<FleetAnswer> {
 public:
  using Frame = signaling::v1::FleetFrame;

  FleetAnswer(std::shared_ptr<FleetSender> sender, uint64_t to, const Frame& ask,
              absl::Duration now)
      : sender_(std::move(sender)),
        to_(to),
        call_(ask.call()),
        granted_(ask.grant()),
        wanted_(now) {}
  virtual ~FleetAnswer() = default;

  // Once, after construction.
  virtual void Start() = 0;
  // The other core wants the rest, or does not any more.
  void Grant(uint64_t up_to, absl::Duration now);
  void Cancel();
  // KIND_ALIVE, from inside the router.
  void SayAlive();
  // When the other core last wanted it.
  absl::Duration wanted();
  // Nothing more is to be sent.
  bool over();

 protected:
  // Adds a message to the answer. No effect after over().
  void Add(const google::protobuf::MessageLite& message);
  // How many frames wait for a grant.
  size_t queued();
  // The answer ends once everything has been sent.
  void End(const absl::Status& status);
  // Called without a lock: everything has been sent, and more may be.
  virtual void OnRoom() {}
  // The other core does not want it any more.
  virtual void OnCancelled() {}

 private:
  // True when there is room for more.
  bool Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<FleetSender> sender_;
  const uint64_t to_, call_;

  Mutex mu_;
  std::deque<Frame> frames_ ABSL_GUARDED_BY(mu_);
  uint64_t sent_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t granted_ ABSL_GUARDED_BY(mu_);
  absl::Duration wanted_ ABSL_GUARDED_BY(mu_);
  bool ending_ ABSL_GUARDED_BY(mu_) = false;  // the last frame is in the queue, or has been sent
  bool over_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FLEET_ANSWER_H_
