// ServiceManager: the protocol of systemd, and of programs compatible with it: a listening socket
// passed to this process, and status messages sent back.
//
// Thread: TakeListeningSocket() before other threads exist, since it changes the environment; the
//         rest: any.
// Errors: Notify functions never fail: without NOTIFY_SOCKET they do nothing, and send errors are
//         ignored.
// Source: sd_listen_fds(3), sd_notify(3).
#ifndef CAIRN_SERVER_SERVICE_MANAGER_H_
#define CAIRN_SERVER_SERVICE_MANAGER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "base/unique_fd.h"

namespace cairn::server {

// The socket that the service manager listens on for this process; not valid when none was passed.
// May be called once. INVALID_ARGUMENT when it is not exactly one listening TCP socket.
absl::StatusOr<UniqueFd> TakeListeningSocket();

// `status`: a line for people, as `systemctl status` shows it.
void NotifyReady(const std::string& status);
// In force until the next NotifyReady().
void NotifyReloading();
// The process will end by itself within `at_most`; it must not be killed before.
void NotifyStopping(absl::Duration at_most);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SERVICE_MANAGER_H_
