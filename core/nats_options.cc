#include "core/nats_options.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "base/host_port.h"

namespace cairn::core {
namespace {

constexpr char kDefaultPort[] = "4222";

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseNatsUrls(std::string_view text) {
  // No error may show it.
  if (text.find('@') != text.npos) {
    return absl::InvalidArgumentError(
        "a user, password or token in a URL is not used: give --mesh-nkey-file or "
        "--mesh-creds-file");
  }
  std::vector<std::string> urls;
  std::string scheme = "nats";
  for (std::string one : std::vector<std::string>(absl::StrSplit(std::string(text), ','))) {
    if (const size_t at = one.find("://"); at != std::string::npos) {
      scheme = one.substr(0, at);
      one.erase(0, at + 3);
    }
    if (scheme != "nats" && scheme != "tls") {
      return absl::InvalidArgumentError(
          absl::StrCat("'", std::string(text), "': a URL of NATS begins with nats:// or tls://"));
    }
    absl::StatusOr<HostPort> address = ParseHostPort(one);
    if (!address.ok()) return address.status();
    urls.push_back(absl::StrCat(
        scheme, "://",
        JoinHostPort(address->host, address->port.empty() ? kDefaultPort : address->port)));
  }
  return urls;
}

}  // namespace cairn::core
