// What systemd, or whoever speaks its protocols, passes to this process and is told by it.
//
// Thread: TakeListeningSocket() before there are others, since it changes the environment; the
// rest: any. Errors: telling cannot fail: without NOTIFY_SOCKET nobody wants to know, and who does
// not listen is not missed. Source: sd_listen_fds(3), sd_notify(3).
#ifndef CAIRN_SERVER_SERVICE_MANAGER_H_
#define CAIRN_SERVER_SERVICE_MANAGER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "base/unique_fd.h"

namespace cairn::server {

// The socket that the service manager listens on for us; not valid when none was passed. Once.
// INVALID_ARGUMENT when it is not one TCP socket that listens.
absl::StatusOr<UniqueFd> TakeListeningSocket();

// `status` is a line for people, as `systemctl status` shows it.
void NotifyReady(const std::string& status);
// Until the next NotifyReady().
void NotifyReloading();
// Ends by itself within `at_most`: is not to be killed before.
void NotifyStopping(absl::Duration at_most);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SERVICE_MANAGER_H_
