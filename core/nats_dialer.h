// NatsDialer: connects to a NATS server: TCP, TLS, who we are, and what we want to hear.
//
// Owner:  the bus's thread, which waits meanwhile.
// Thread: the owner's.
// Bounds: kTimeToConnect, behind the look-up of the host's name, which takes as long as the system's
//         resolver.
// Errors: what the server, the system or OpenSSL says; no file's contents.
#ifndef CAIRN_CORE_NATS_DIALER_H_
#define CAIRN_CORE_NATS_DIALER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>

#include "core/nats_connection.h"
#include "core/nats_frames.h"
#include "core/nats_options.h"

namespace cairn::core {

inline constexpr absl::Duration kNatsTimeToConnect = absl::Seconds(1);

struct NatsDialed {
  std::unique_ptr<NatsConnection> connection;
  NatsFrames frames;  // with what has come already
};

// Returns when the server has confirmed that the core is subscribed to its addresses, or once
// `stop_fd` can be read. `subjects` must outlive the connection.
absl::StatusOr<NatsDialed> DialNats(const std::string& url, const NatsOptions& options,
                                    const NatsSubjects& subjects, int stop_fd);

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_DIALER_H_
