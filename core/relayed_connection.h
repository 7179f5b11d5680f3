// RelayedConnection: passes the bytes of a caller's connection on to gRPC's, and back.
//
// Owner:  GrpcRelay.
// Thread: its owner's.
// Bounds: kBufferBytes each way, in addition to what came with it; CallFrames for the caller's.
// Errors: none; over() when either end is lost, or breaks CallFrames' bounds.
#ifndef CAIRN_CORE_RELAYED_CONNECTION_H_
#define CAIRN_CORE_RELAYED_CONNECTION_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "core/call_frames.h"

namespace cairn::core {

class RelayedConnection {
 public:
  static constexpr size_t kBufferBytes = 16 << 10;
  // How long one end may take what is left after the other has closed.
  static constexpr absl::Duration kTimeToLeave = absl::Seconds(5);

  // The caller's socket, with the bytes read from it, and the other end of gRPC's.
  RelayedConnection(UniqueFd caller, UniqueFd grpc, std::string received, bool encrypted,
                    absl::Duration now)
      : caller_{std::move(caller)},
        grpc_{std::move(grpc)},
        up_(std::move(received)),
        frames_(encrypted, now) {}

  // Moves what can be moved. To be called when a socket is ready, and at wakes().
  void Move(absl::Duration now);
  // Never: only when a socket is ready.
  absl::Duration wakes() const;
  bool over() const { return over_; }

  // The events of each socket to wait for, as epoll takes them; 0: none, not even its end.
  int caller_fd() const { return caller_.fd.get(); }
  int grpc_fd() const { return grpc_.fd.get(); }
  uint32_t caller_events() const;
  uint32_t grpc_events() const;

 private:
  struct End {
    UniqueFd fd;
    bool ended = false;  // it will send nothing more
  };

  void Read(End& from, std::string& into);
  // Whether all of it was sent.
  bool Send(const End& to, std::string& bytes, size_t count);
  void MoveUp(absl::Duration now);

  End caller_, grpc_;
  std::string up_, down_;  // read, and not sent
  CallFrames frames_;
  size_t admitted_ = 0;  // of up_
  bool shut_ = false;    // gRPC knows that the caller sends nothing more
  bool over_ = false;
  absl::Duration leave_by_ = absl::InfiniteDuration();
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RELAYED_CONNECTION_H_
