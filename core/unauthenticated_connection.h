// UnauthenticatedConnection: a plaintext connection that has not presented its credential: its
// bytes are read up to the first call, which is accepted or answered here.
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

#include "base/unique_fd.h"
#include "core/authority.h"
#include "core/first_request.h"
#include "proto/link/grpc_messages.h"

namespace cairn::core {

class UnauthenticatedConnection {
 public:
  enum class Step {
    kWait,
    kLetIn,    // it has shown its credential
    kRefused,  // it has its answer; see leaving()
    kBroken,   // its bytes are not a call
    kEnd,
  };

  UnauthenticatedConnection() = default;  // no connection
  // Of a connection that was just accepted, non-blocking.
  explicit UnauthenticatedConnection(UniqueFd fd);

  // The socket is readable.
  Step OnReadable(const Authority& authority);
  // Answers the call that has been read, and closes the connection afterwards.
  void Refuse(const absl::Status& status);

  bool leaving() const { return leaving_; }
  // Its first call opens a lane, and may. Known once it is let in.
  bool is_edge() const { return is_edge_; }
  // Why an edge was refused; OK for any other caller.
  const absl::Status& refusal() const { return refusal_; }

  int fd() const { return fd_.get(); }
  UniqueFd TakeSocket() { return std::move(fd_); }
  // Its only call opens a lane, with this token.
  bool is_lane() const {
    return first_request_->one_call() && first_request_->path() == link::kLaneCall;
  }
  std::string bearer_token() const { return BearerTokenOf(first_request_->authorization()); }
  // The bytes that whoever takes it over begins with.
  const std::string& received() const { return first_request_->received(); }

 private:
  // Whether it is accepted; if not, it has been answered.
  bool CheckCredential(const Authority& authority);
  void Answer(const std::string& bytes);

  UniqueFd fd_;
  std::unique_ptr<FirstRequest> first_request_;
  bool known_ = false;  // its credential is known
  bool leaving_ = false;
  bool is_edge_ = false;
  size_t discarded_ = 0;
  absl::Status refusal_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_UNAUTHENTICATED_CONNECTION_H_
