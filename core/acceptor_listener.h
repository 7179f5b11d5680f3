// AcceptorListener: accepts connections to the core's port, and recovers after the process ran out
// of descriptors.
//
// Owner:  GrpcAcceptor.
// Thread: its owner's.
// Errors: a failing accept is logged once per outage; it never ends the process.
#ifndef CAIRN_CORE_ACCEPTOR_LISTENER_H_
#define CAIRN_CORE_ACCEPTOR_LISTENER_H_

#include <absl/time/time.h>

#include <cstdint>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "base/unique_fd.h"

namespace cairn::core {

class AcceptorListener {
 public:
  // The pause when accepting fails and closing no other connection would help.
  static constexpr absl::Duration kPause = absl::Milliseconds(100);

  // Watches `socket` in `epoll`, with `id`. Both, and `clock`, must outlive it.
  AcceptorListener(int socket, int epoll, uint64_t id, const Clock& clock);

  // A connection, non-blocking. Invalid: none waits, or, if failed(), accepting failed.
  UniqueFd Accept();
  bool failed() const { return failed_; }

  void PauseUntil(absl::Duration time);
  void ResumeIfDue(absl::Duration now);
  // When it resumes; never, while it listens.
  absl::Duration resumes() const { return resumes_; }

 private:
  void Listen();
  void LogFailure(int error);

  const int socket_, epoll_;
  const uint64_t id_;
  const Clock& clock_;
  absl::Duration resumes_ = absl::InfiniteDuration();
  bool failed_ = false;  // the last Accept() failed
  bool said_ = false;    // the outage has been logged
  LogLimiter failures_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ACCEPTOR_LISTENER_H_
