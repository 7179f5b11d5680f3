// BenchLane: a lane that speaks to a core without an edge around it.
//
// While one write is in flight, later items are gathered into the next message, as in an edge.
// Thread: any. `on_delivery` runs on gRPC's threads, one call at a time, and may Send().
// Bounds: none: items that are sent faster than the core accepts them are kept.
// Errors: a stream that ends before its lane does makes broken() true.
#ifndef CAIRN_TESTS_BENCH_BENCH_LANE_H_
#define CAIRN_TESTS_BENCH_BENCH_LANE_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "proto/link/link.h"
#include "signaling/v1/lane.grpc.pb.h"

namespace cairn::bench {

class BenchLane final
    : public grpc::ClientBidiReactor<signaling::v1::LaneToCore, signaling::v1::CoreToLane> {
 public:
  using OnDelivery = std::function<void(const signaling::v1::Delivery&)>;

  // `number`: unique among lanes. Opens the stream and sends Hello.
  BenchLane(const std::shared_ptr<grpc::Channel>& channel, uint64_t number, const std::string& edge,
            OnDelivery on_delivery);
  // Ends the stream; on_delivery is not called any more.
  ~BenchLane() override;

  // Takes the events out of `batch`. Their peers are numbers of its choice, which become ids.
  void Send(signaling::v1::LaneToCore& batch);
  // Number for the next relay of the lane. REQUIRES: one sender, which sends them in this order.
  uint64_t NextSeq() { return ++last_seq_; }
  // Returns when the core has handled everything; false when the stream has ended.
  bool Flush();
  bool broken();

 private:
  using WireLink = link::Link<signaling::v1::LaneToCore, signaling::v1::CoreToLane>;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  // Writes what there is, unless a write is in flight. REQUIRES: mu_.
  void Pump();
  // Acknowledges handled messages, so that the core does not give the lane up.
  void Beat();

  // Immutable after construction.
  const std::unique_ptr<signaling::v1::Lanes::Stub> stub_;
  const OnDelivery on_delivery_;
  const std::string secret_;
  grpc::ClientContext context_;
  // The sender's.
  uint64_t last_seq_ = 0;
  // gRPC's read callback only.
  signaling::v1::CoreToLane received_;

  std::mutex mu_;
  std::condition_variable changed_;
  // Guarded by mu_.
  signaling::v1::LaneToCore hello_;
  WireLink link_;
  bool in_flight_ = false;
  bool broken_ = false;
  bool done_ = false;
  bool ending_ = false;
  std::thread beat_;  // last: it uses the others
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_BENCH_LANE_H_
