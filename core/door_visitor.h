// DoorVisitor: a connection in plain text that has not shown its credential: it is read up to its
// first call, and let in or answered.
//
// Owner:  GrpcDoor.
// Thread: its owner's.
// Bounds: Greeting's; 256 KiB are read of one that was refused, so that it sees the answer.
// Errors: none; kEnd when there is nobody to talk to.
#ifndef CAIRN_CORE_DOOR_VISITOR_H_
#define CAIRN_CORE_DOOR_VISITOR_H_

#include <absl/status/status.h>

#include <cstddef>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "core/authority.h"
#include "core/greeting.h"

namespace cairn::core {

class DoorVisitor {
 public:
  enum class Step {
    kWait,
    kLetIn,    // it is gRPC's
    kRefused,  // it has its answer, and is leaving()
    kBroken,   // what it says is no call
    kEnd,
  };

  DoorVisitor() = default;  // nobody
  // Of a connection that was just accepted, non-blocking.
  explicit DoorVisitor(UniqueFd fd);

  // There is something to read.
  Step OnReadable(const Authority& authority);
  // Answers the call that has been read, and ends the connection after it.
  void Refuse(const absl::Status& status);

  bool leaving() const { return leaving_; }
  // Why an edge was refused; OK for any other.
  const absl::Status& refusal() const { return refusal_; }

  int fd() const { return fd_.get(); }
  UniqueFd TakeSocket() { return std::move(fd_); }
  // What gRPC begins with.
  const std::string& received() const { return greeting_->received(); }

 private:
  // Whether it may come in; if not, it has its answer.
  bool CheckCredential(const Authority& authority);
  void Answer(const std::string& bytes);

  UniqueFd fd_;
  std::unique_ptr<Greeting> greeting_;
  bool known_ = false;  // its credential is
  bool leaving_ = false;
  size_t discarded_ = 0;
  absl::Status refusal_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_DOOR_VISITOR_H_
