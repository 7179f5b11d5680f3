#include "edge/lane_call.h"

#include <absl/strings/str_cat.h>

#include "proto/link/grpc_messages.h"
#include "proto/link/link.h"
#include "proto/link/timing.h"

namespace cairn::edge {
namespace {

// The fields of a message that are not counted in its cost.
constexpr size_t kMessageSlack = 64 << 10;

}  // namespace

Http2Call::Options LaneCallOptions(const Http2CoreStreamOpener::Options& options,
                                   const CoreTarget& target, bool has_others) {
  Http2Call::Options call;
  call.scheme = options.tls ? "https" : "http";
  call.authority = target.Authority();
  call.path = std::string(link::kLaneCall);
  call.user_agent = absl::StrCat("cairn-signal/", options.version);
  if (!options.token.empty()) call.authorization = absl::StrCat("Bearer ", options.token);
  call.max_message_bytes = link::kMaxMessageBytes + kMessageSlack;
  call.ping_interval =
      absl::FromChrono(has_others ? link::kImpatientInterval : link::kKeepaliveInterval);
  call.ping_timeout =
      absl::FromChrono(link::kKeepaliveInterval + link::kKeepaliveTimeout) - call.ping_interval;
  return call;
}

}  // namespace cairn::edge
