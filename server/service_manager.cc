#include "server/service_manager.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

namespace cairn::server {

absl::StatusOr<UniqueFd> TakeListeningSocket() {
  const int count = sd_listen_fds(/*unset_environment=*/1);
  if (count == 0) return UniqueFd();
  if (count < 0) return absl::InvalidArgumentError("LISTEN_FDS: cannot be read");
  if (count > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "LISTEN_FDS: ", count, " sockets were passed; give one, with one ListenStream="));
  }
  UniqueFd fd(SD_LISTEN_FDS_START);
  const bool ipv4 = sd_is_socket(fd.get(), AF_INET, SOCK_STREAM, /*listening=*/1) > 0;
  const bool ipv6 = sd_is_socket(fd.get(), AF_INET6, SOCK_STREAM, /*listening=*/1) > 0;
  if (!ipv4 && !ipv6) {
    return absl::InvalidArgumentError(
        "LISTEN_FDS: what was passed is not a TCP socket that listens; give ListenStream=IP:PORT "
        "and Accept=no");
  }
  return fd;
}

void NotifyReady(const std::string& status) { sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str()); }

void NotifyReloading() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
             static_cast<long long>(absl::ToInt64Microseconds(absl::DurationFromTimespec(now))));
}

void NotifyStopping(absl::Duration at_most) {
  sd_notifyf(0, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%lld",
             static_cast<long long>(absl::ToInt64Microseconds(at_most)));
}

}  // namespace cairn::server
