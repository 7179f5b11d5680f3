// LonePoller: makes one of gRPC's polling threads do all of its callbacks, and
// never sleep.
//
// gRPC 1.51 has a polling thread for every two processors, two at least. At
// each event the one that polls wakes another to poll in its place: a hand-over
// that costs more than the message. And one that had nothing for a second
// sleeps for 100 ms, in which a message waits. So all but one are parked in a
// callback that does not return, and the one that is left gets a callback of
// its own twice a second. If that does not come back in time, parked threads
// are let go: gRPC is not what was expected.
//
// Owner:  GrpcServer, which has gRPC's polling threads started before this.
// Thread: the owner's; one of its own, and the parked ones.
// Bounds: a callback for each parked thread, and one under way.
// Source: grpc/src/cpp/common/completion_queue_cc.cc, CallbackAlternativeCQ.
#ifndef CAIRN_CORE_LONE_POLLER_H_
#define CAIRN_CORE_LONE_POLLER_H_

#include <memory>

namespace cairn::core {

class LonePoller {
 public:
  LonePoller();
  // All threads poll again.
  ~LonePoller();
  LonePoller(const LonePoller&) = delete;
  LonePoller& operator=(const LonePoller&) = delete;

 private:
  struct Shared;

  const std::unique_ptr<Shared> shared_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LONE_POLLER_H_
