// Http2CoreStream: a CoreStream as a gRPC call on a connection of its own, on the loop's thread.
//
//   connecting ──CoreConnector──▶ open ──▶ ended
//
// While it is connecting, it tries one core after the other (CoreTurns). The core's first HTTP/2
// frame must arrive within link::kHandshakeTimeout of the connection. Each stream resolves the
// cores' names anew.
//
// Owner:  one LaneLink; an Http2CoreStreamOpener makes it.
// Thread: its loop.
// Bounds: one message from the core, LaneCores::kReadBytes a read; kOutputBytes of messages to it and
//         one more; CoreSocket's.
// Errors: whatever ends the call goes to OnStreamEnded().
#ifndef CAIRN_EDGE_HTTP2_CORE_STREAM_H_
#define CAIRN_EDGE_HTTP2_CORE_STREAM_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "edge/core_connector.h"
#include "edge/core_probe.h"
#include "edge/core_socket.h"
#include "edge/core_stream.h"
#include "edge/http2_call.h"
#include "edge/lane_cores.h"
#include "edge/stream.h"

namespace cairn::edge {

class Http2CoreStream final : public CoreStream, private SocketListener {
 public:
  // Starts to connect. Both must outlive this.
  Http2CoreStream(LaneCores& cores, CoreStreamListener& listener);
  ~Http2CoreStream() override;

  bool Writable() override;
  void Write(const signaling::v1::LaneToCore& message) override;
  void Flush() override;
  void Cancel() override;
  void Tick() override;

 private:
  enum class State { kConnecting, kOpen, kEnded };

  void OnSocketReady(uint32_t epoll_events) override;
  // REQUIRES: untried_ is not empty.
  void TryNextCore();
  void OnConnected(absl::StatusOr<Stream> socket);
  void OnFirstFrameTimeout();
  void ScheduleTime();
  void OnTime();

  // The next two return whether the stream still exists.
  // Passes on the core's messages, and ends the stream if the call or the connection has ended.
  bool Read();
  bool HandOut();
  bool IsWritable() const {
    return call_ ? !call_->end() && pending_.size() < CoreSocket::kOutputBytes
                 : !opening_.has_value();
  }

  LaneCores::Core& core() { return cores_.cores[core_]; }

  void LeaveForPreferred();
  // While its core owes an answer: whether another has one.
  void LookForAnother();
  // Destroys the stream.
  void End(int code, const std::string& message);
  // The same when called by the listener. Messages received until then are still passed on.
  void EndSoon(int code, const std::string& message);
  // Runs `task` later, unless the stream has been destroyed by then.
  template <typename Task>
  auto IfAlive(Task task) {
    return [alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
      if (!alive.expired()) task();
    };
  }
  absl::Duration Now() const { return cores_.clock.Elapsed(); }

  // Borrowed; must outlive this.
  LaneCores& cores_;
  CoreStreamListener& listener_;
  // Loop thread only.
  State state_ = State::kConnecting;
  std::deque<size_t> untried_;                        // connecting: cores
  size_t core_ = 0;                                   // of cores_: the one it is connected to
  std::optional<CoreConnector> connector_;            // connecting
  std::optional<signaling::v1::LaneToCore> opening_;  // connecting: written as soon as it is open
  std::string failures_;                              // connecting: of the cores that were tried
  std::optional<Http2Call> call_;                     // open
  std::optional<CoreSocket> socket_;                  // open
  std::string address_;                // of the core, that the socket is connected to
  std::string pending_;                // messages that the call has not taken yet
  signaling::v1::CoreToLane message_;  // its memory is reused
  bool wants_write_ = false;
  bool got_message_ = false;
  bool ending_ = false;  // EndSoon() was called
  bool silent_ = false;  // the core has not answered a PING
  bool has_others_ = false;
  std::deque<size_t> unasked_;                        // cores, while its own is silent
  absl::Duration asked_ = -absl::InfiniteDuration();  // when all of them were to be
  std::unique_ptr<CoreProbe> probe_;                  // the same
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HTTP2_CORE_STREAM_H_
