#include "edge/core_target.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <sys/un.h>

namespace cairn::edge {
namespace {

// What gRPC uses for a socket without a name.
const std::string& LocalName() {
  static const std::string& name = *new std::string("localhost");
  return name;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

absl::Status Unusable(std::string_view text, const char* why) {
  return absl::InvalidArgumentError(absl::StrCat("'", std::string(text), "' ", why,
                                                 ": give HOST:PORT, [ADDRESS]:PORT or unix:PATH"));
}

}  // namespace

absl::StatusOr<CoreTarget> CoreTarget::Parse(std::string_view text) {
  CoreTarget target;
  std::string_view rest = text;
  if (TakePrefix(rest, "unix:")) {
    TakePrefix(rest, "//");
    if (rest.empty()) return Unusable(text, "has no path");
    if (rest.size() >= sizeof(sockaddr_un::sun_path)) return Unusable(text, "has too long a path");
    target.unix_path = rest;
    return target;
  }
  // As gRPC writes targets.
  if (TakePrefix(rest, "dns:")) {
    TakePrefix(rest, "///");
  } else if (!TakePrefix(rest, "ipv4:")) {
    TakePrefix(rest, "ipv6:");
  }
  const size_t colon = rest.rfind(':');
  if (colon == rest.npos || colon + 1 == rest.size()) return Unusable(text, "has no port");
  std::string_view host = rest.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != host.npos;
  if (host.empty() || has_colon != bracketed || host.find_first_of("[]/") != host.npos)
    return Unusable(text, "has no host");
  target.host = host;
  target.port = rest.substr(colon + 1);
  return target;
}

std::string CoreTarget::Authority() const {
  if (is_unix()) return LocalName();
  const bool is_v6 = host.find(':') != host.npos;
  return is_v6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

const std::string& CoreTarget::CertificateName() const { return is_unix() ? LocalName() : host; }

}  // namespace cairn::edge
