// LonePoller: makes one of gRPC's polling threads run all of its callbacks, and keeps it from
// sleeping.
//
// gRPC 1.51 has one polling thread for every two processors, at least two. At each event the thread
// that polls wakes another to poll in its place: a hand-over that costs more than the message. And
// a thread without work for a second sleeps for 100 ms, during which messages wait. So all but one
// are parked in a callback that does not return, and the remaining one gets a callback of its own
// twice a second. If that does not run in time, the parked threads are released: then gRPC does not
// behave as expected.
//
// Owner:  GrpcServer, which has gRPC's polling threads started before this.
// Thread: the owner's; one of its own, and the parked ones.
// Bounds: a callback for each parked thread, and one beat in progress.
// Source: grpc/src/cpp/common/completion_queue_cc.cc, CallbackAlternativeCQ.
#ifndef CAIRN_CORE_LONE_POLLER_H_
#define CAIRN_CORE_LONE_POLLER_H_

#include <memory>

namespace cairn::core {

class LonePoller {
 public:
  LonePoller();
  // Releases the parked threads: all poll again.
  ~LonePoller();
  LonePoller(const LonePoller&) = delete;
  LonePoller& operator=(const LonePoller&) = delete;

 private:
  struct Shared;

  const std::unique_ptr<Shared> shared_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LONE_POLLER_H_
