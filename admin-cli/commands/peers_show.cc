#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/facts.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

std::string Moment(int64_t time_us, absl::Time now) {
  if (time_us == 0) return "none yet";
  return fmt::format("{} ago, at {}", Since(time_us, now),
                     HumaneTime(absl::FromUnixMicros(time_us)));
}

void AddTraffic(const v1::Peer& peer, Facts& facts) {
  const bool closed = peer.closed_us() != 0;
  facts.Add("in", fmt::format("{} messages, {}", HumaneCount(peer.messages_in()),
                              HumaneSize(peer.bytes_in())));
  facts.Add("out", fmt::format("{} messages, {}", HumaneCount(peer.messages_out()),
                               HumaneSize(peer.bytes_out())));
  if (!closed) {
    facts.Add("queued", HumaneSize(peer.queued_bytes()));
    facts.Add("figures",
              fmt::format("{} old", HumaneDuration(absl::Microseconds(peer.stats_age_us()))));
  }
}

Facts Describe(const v1::Peer& peer, absl::Time now) {
  Facts facts;
  const bool closed = peer.closed_us() != 0;
  facts.Add("id", peer.id());
  facts.Add("state", closed ? "closed" : "connected", closed ? Tone::kWarning : Tone::kGood);
  facts.Add("edge", fmt::format("{}, lane {}", peer.edge(), peer.lane()));
  if (!peer.core().empty()) facts.Add("core", peer.core());
  facts.Add("address", peer.remote_address());
  facts.Add("agent", peer.user_agent().empty() ? "-" : peer.user_agent());
  facts.Add("dialect", peer.dialect().empty() ? "-" : peer.dialect());
  facts.Add("tls", peer.tls_version().empty() ? "none" : peer.tls_version());
  facts.Add("connected", Moment(peer.connected_since_us(), now));
  facts.Add("last message", Moment(peer.last_activity_us(), now));
  if (closed) {
    facts.Add("closed", Moment(peer.closed_us(), now));
    const std::string code = peer.close_code() == 0 ? "no code" : std::to_string(peer.close_code());
    facts.Add("because", fmt::format("{} ({})", peer.close_reason(), code));
  } else {
    facts.Add("round trip", peer.rtt_us() == 0 ? "no ping answered yet" : RoundTrip(peer.rtt_us()));
  }
  AddTraffic(peer, facts);
  facts.Add("topics", peer.topics().empty() ? HumaneCount(peer.topic_count()) : peer.topics(0));
  for (int i = 1; i < peer.topics_size(); ++i) facts.Add("", peer.topics(i));
  return facts;
}

}  // namespace

int RunCommand(CommandContext& context, const PeersShowCommand& command) {
  v1::GetPeerRequest request;
  request.set_id(command.id);
  const absl::StatusOr<v1::Peer> peer = context.client.Call(request);
  if (!peer.ok()) {
    return context.Fail(
        peer.status(),
        fmt::format("there is no peer '{}', not even among the closed ones kept: see "
                    "'cairn-admin peers list'",
                    command.id));
  }
  if (context.json()) {
    context.PrintJson(*peer);
  } else {
    *context.out << Describe(*peer, context.now()).ToString(context.style);
  }
  return kOk;
}

}  // namespace cairn::admin
