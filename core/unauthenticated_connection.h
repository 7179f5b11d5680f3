// UnauthenticatedConnection: a connection that has not presented its credential: its bytes are
// read up to the first call, which is accepted or answered here. With TLS, after the handshake, and
// only a lane is accepted, because gRPC cannot take over such a connection.
//
// Owner:  GrpcAcceptor.
// Thread: its owner's.
// Bounds: FirstRequest's; of a refused one, 256 KiB are read, so that it receives the answer.
// Errors: none; kEnd when the connection has ended.
#ifndef CAIRN_CORE_UNAUTHENTICATED_CONNECTION_H_
#define CAIRN_CORE_UNAUTHENTICATED_CONNECTION_H_

#include <absl/status/status.h>

#include <cstddef>
#include <memory>
#include <string>

#include "core/authority.h"
#include "core/first_request.h"
#include "core/lane_socket.h"
#include "proto/link/grpc_messages.h"

namespace cairn::core {

class UnauthenticatedConnection {
 public:
  enum class Step {
    kWait,
    kLetIn,    // it has shown its credential
    kRefused,  // it has its answer; see leaving()
    kBroken,   // its bytes are not a call
    kEnd,      // with TLS, also a handshake that has failed
  };

  UnauthenticatedConnection() = default;  // no connection
  // Of a connection that was just accepted, non-blocking.
  explicit UnauthenticatedConnection(LaneSocket socket);

  // The socket is readable.
  Step OnReadable(const Authority& authority);
  // Answers the call that has been read, and closes the connection afterwards.
  void Refuse(const absl::Status& status);

  bool in_handshake() const { return !begun_; }
  bool leaving() const { return leaving_; }
  // Why an edge was refused; OK for any other caller.
  const absl::Status& refusal() const { return refusal_; }

  int fd() const { return socket_.fd(); }
  LaneSocket TakeSocket() { return std::move(socket_); }
  // Its only call opens a lane, and may. Known once it is let in.
  bool is_lane() const { return may_open_lane_ && asks_for_lane(); }
  // Those of the first call.
  Credentials credentials() const;
  // The bytes read so far, with which its next owner begins.
  const std::string& received() const { return first_request_->received(); }

 private:
  Step Take(std::string_view bytes, const Authority& authority);
  bool asks_for_lane() const {
    return first_request_->one_call() && first_request_->path() == link::kLaneCall;
  }
  // Whether the handshake is done.
  LaneSocket::Status BeginCall();
  // Whether it is accepted; if not, it has been answered.
  bool CheckCredential(const Authority& authority);
  void Answer(const std::string& bytes);

  LaneSocket socket_;
  std::unique_ptr<FirstRequest> first_request_;
  bool begun_ = false;  // the handshake is done, and FirstRequest::Settings() sent
  bool known_ = false;  // its credential is known
  bool may_open_lane_ = false;
  bool leaving_ = false;
  size_t discarded_ = 0;
  absl::Status refusal_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_UNAUTHENTICATED_CONNECTION_H_
