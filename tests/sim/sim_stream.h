// SimStream: a stream between a lane and the core, without a network: both of its ends, and the
// faults of the network.
//
//   opening ──first message arrives──▶ open ──Cut(), Cancel(), Close()──▶ ended: each end is told
//                                                                         at a time of its own
//
// Behaves as edge/http2_core_stream.cc and core/lane_connection.cc do: one read at a time in the
// core, an inbox in the lane.
//
// Owner:  shared by its two ends and the events that are due.
#ifndef CAIRN_TESTS_SIM_SIM_STREAM_H_
#define CAIRN_TESTS_SIM_SIM_STREAM_H_

#include <memory>
#include <string>
#include <vector>

#include "core/edge_sink.h"
#include "edge/core_stream.h"
#include "edge/link_factory.h"
#include "tests/sim/core_host.h"
#include "tests/sim/pipe.h"
#include "tests/sim/trace.h"

namespace cairn::sim {

class SimStream final : public core::LaneStream, public std::enable_shared_from_this<SimStream> {
 public:
  SimStream(Timeline& timeline, Random& random, Trace& trace, const Weather& weather,
            CoreHost& core, edge::LoopExecutor& executor, edge::CoreStreamListener& listener,
            std::string name);

  // Begins to connect; returns the lane's end.
  std::unique_ptr<edge::CoreStream> Open();

  // The host at its other end.
  CoreHost& core() const { return core_; }

  // ---- faults
  // Nothing moves until it is released or cut.
  void SetFrozen(bool frozen);
  // The same for a while, once so many messages of the lane have arrived: the core's answer to the
  // last of them does not arrive. 0: never.
  void FreezeAfter(int messages, Time wait) {
    freeze_after_ = messages;
    freeze_for_ = wait;
  }
  // It breaks: a prefix of what is in flight arrives in each direction, and each end is told after
  // a while, at the latest by a keepalive.
  void Cut();
  // The same, because the core's process has ended.
  void CutByCore(bool at_once);
  bool over() const { return edge_told_ && core_told_; }
  // The core takes the next message of the lane.
  bool reading() const { return reading_; }
  // Whether the lane refused the core's first message.
  bool refused() const { return refused_; }

  // ---- core::LaneStream
  bool Writable() override { return down_.Writable(); }
  void Write(const signaling::v1::CoreToLane& message) override;
  void Close(const absl::Status& status) override;
  void OnHandled(signaling::v1::LaneToCore&& batch) override;

 private:
  class LaneEnd;
  static constexpr size_t kMaxInbox = 16;

  bool TakeUp(signaling::v1::LaneToCore& message);
  bool TakeDown(signaling::v1::CoreToLane& message);
  void CountTaken();
  void TakeInbox();
  void TellEdge(Time wait, int code, const std::string& message);
  void TellCore(Time wait);
  Time DetectionTime();
  void CancelByLane(bool gone);

  Timeline& timeline_;
  Random& random_;
  Trace& trace_;
  const Weather& weather_;
  CoreHost& core_;
  edge::LoopExecutor& executor_;
  edge::CoreStreamListener* listener_;  // null: the lane has released the stream
  const std::string name_;
  Pipe<signaling::v1::LaneToCore> up_;
  Pipe<signaling::v1::CoreToLane> down_;
  uint64_t incarnation_ = 0;  // of the core at its other end; 0: none
  bool opened_ = false;       // the core's router knows of it
  bool reading_ = false;      // in the core
  bool closed_ = false;       // by the router
  bool edge_told_ = false;
  bool refused_ = false;
  bool core_told_ = false;
  int freeze_after_ = 0;
  Time freeze_for_ = 0;
  std::vector<signaling::v1::CoreToLane> inbox_;
  bool take_posted_ = false;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_SIM_STREAM_H_
