// LaneConnection: a lane's stream on a connection that carries nothing else, served without gRPC.
//
// The router calls it from any thread: what it wants written, and that it has handled a batch, is
// left for the thread of the LanePort, which alone touches the socket and the call.
//
// Owner:  LanePort; the router keeps a share for as long as it knows the stream.
// Thread: the LanePort's; those of LaneStream: any.
// Bounds: Http2LaneCall's; kOutputBytes of output, and twice as much and one message that wait for
//         that; kTimeToHello. What breaks them is
//         counted as a LaneRefusal.
#ifndef CAIRN_CORE_LANE_CONNECTION_H_
#define CAIRN_CORE_LANE_CONNECTION_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/thread_annotations.h"
#include "core/authority.h"
#include "core/edge_sink.h"
#include "core/http2_lane_call.h"
#include "core/lane_intake.h"
#include "core/lane_socket.h"

namespace cairn::core {

class LaneConnection;

// What a connection uses of its LanePort.
class LaneConnectionHost {
 public:
  // Any thread. Settle() follows.
  virtual void Touch(std::shared_ptr<LaneConnection> connection) = 0;
  // The port's thread: the socket's events that OnReady() is called for, besides errors.
  virtual void Watch(LaneConnection& connection, uint32_t epoll_events) = 0;

 protected:
  ~LaneConnectionHost() = default;
};

class LaneConnection final : public LaneStream,
                             public std::enable_shared_from_this<LaneConnection> {
 public:
  static constexpr size_t kOutputBytes = 64 << 10;
  // Until then the lane must have sent its Hello.
  static constexpr absl::Duration kTimeToHello = absl::Seconds(5);
  // What the host watches the socket for when it has made the connection.
  static constexpr uint32_t kWatchedAtFirst = 1;  // EPOLLIN

  LaneConnection(uint64_t id, LaneSocket socket, LaneConnectionHost& host, Core& core,
                 Caller caller);

  // ---- the LanePort's thread

  // Called first: begins with the bytes that were received already. The call ends when the
  // credentials are revoked.
  void Begin(std::string_view received, Credentials credentials, Authority& authority,
             std::span<char> buffer);
  void OnReady(std::span<char> buffer);
  // Follows Touch(): sends what other threads have written meanwhile, and handles the messages for
  // which they have made room.
  void Settle();
  // OnReady() must be called again after Settle(): the socket does not tell that there is more.
  bool unread() const { return unread_ && !over_; }
  // Called about once a second.
  void OnTime();
  // Ends the call because the lane has sent more than there is memory for.
  void GiveUp();
  // The last call: once over() is true, or when the port stops.
  void End();

  uint64_t id() const { return id_; }
  int fd() const { return socket_.fd(); }
  // Nothing is left to read or write.
  bool over() const { return over_; }
  // Received, and not handled: the beginning of a message, or what the router has no room for.
  size_t waiting_bytes() const { return call_.waiting_bytes(); }

  // ---- LaneStream
  bool Writable() override;
  void Write(const signaling::v1::CoreToLane& message) override;
  void OnHandled(signaling::v1::LaneToCore&& batch) override;
  void Close(const absl::Status& status) override;

 private:
  struct Ending {
    absl::Status status;
    // Not only after what is being written: the lane may not read.
    bool at_once;
  };

  void Receive(std::string_view bytes);
  void Touch();
  void WatchSocket();
  void ReleaseMemory();
  // Passes messages to the router, one at a time.
  void HandleMessages();
  // Whether the next message may be handled now.
  bool BeginHandling();
  void Flush();
  void OnFlushed();
  void Finish(const absl::Status& status);
  // The same, because of what the lane did: counts it.
  void Refuse(LaneRefusal reason, const absl::Status& status);
  void FinishAtPeersEnd();
  void EndLater(Ending ending);
  // Whether Settle() has to be asked for, by TouchHost().
  bool NeedsTouch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !ended_ && !std::exchange(touched_, true);
  }
  // Not with mu_ held: the thread that this wakes needs it at once.
  void TouchHost() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Duration Now() const { return core_.clock().Elapsed(); }

  // Immutable after construction.
  const uint64_t id_;
  // Borrowed; must outlive this.
  Core& core_;
  // Borrowed; must outlive the call of End().
  LaneConnectionHost& host_;
  // The LanePort's thread only.
  LaneSocket socket_;
  Http2LaneCall call_;
  std::string output_;  // not accepted by the kernel yet
  std::string sending_;
  Authority::Lease lease_;
  uint32_t watched_;
  bool blocked_ = false;    // the socket takes no more output
  bool stuck_ = false;      // TLS must write before it reads on
  bool unread_ = false;     // TLS has received more than was read
  bool finishing_ = false;  // the call has its status
  bool shut_ = false;       // the lane has been sent everything
  absl::Duration hello_by_;
  absl::Duration leave_by_;  // finishing
  bool refused_ = false;     // why has been counted
  bool over_ = false;
  // See its header; the message is the LanePort thread's until the router has it.
  LaneIntake intake_;

  Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;    // End() was called
  std::string pending_ ABSL_GUARDED_BY(mu_);   // to be sent
  bool writing_ ABSL_GUARDED_BY(mu_) = false;  // so much that no more is taken
  bool wants_write_ ABSL_GUARDED_BY(mu_) = false;
  bool at_router_ ABSL_GUARDED_BY(mu_) = false;  // a message
  bool handling_ ABSL_GUARDED_BY(mu_) = false;   // HandleMessages() goes on by itself
  bool touched_ ABSL_GUARDED_BY(mu_) = false;    // Settle() will be called
  std::optional<Ending> ending_ ABSL_GUARDED_BY(mu_);

  Mutex host_mu_;
  bool host_ended_ ABSL_GUARDED_BY(host_mu_) = false;  // End() was called: there is no host
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_CONNECTION_H_
