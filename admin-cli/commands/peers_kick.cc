#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

using KickRequest = v1::DisconnectRequest;

std::string Whom(const KickRequest& request) {
  switch (request.target_case()) {
    case KickRequest::kId:
      return fmt::format("peer '{}'", request.id());
    case KickRequest::kTopic:
      return fmt::format("peers subscribed to '{}'", request.topic());
    case KickRequest::kAddressPrefix:
      return fmt::format("peers whose address begins with '{}'", request.address_prefix());
    case KickRequest::kEdge:
      return fmt::format("peers of edge '{}'", request.edge());
    case KickRequest::TARGET_NOT_SET:
      break;
  }
  return "no peer";
}

// The peers selected by a target other than an id.
absl::StatusOr<std::vector<v1::Peer>> Targets(FleetClient& client, const KickRequest& request) {
  v1::ListPeersRequest list;
  list.mutable_filter()->set_edge(request.edge());
  list.mutable_filter()->set_topic(request.topic());
  list.mutable_filter()->set_address_prefix(request.address_prefix());
  std::vector<v1::Peer> peers;
  absl::Status status = client.Stream(list, [&](const v1::ListPeersResponse& page) {
    peers.insert(peers.end(), page.peers().begin(), page.peers().end());
    return true;
  });
  if (!status.ok()) return status;
  return peers;
}

absl::StatusOr<std::vector<v1::Peer>> Target(FleetClient& client, const KickRequest& request) {
  if (request.target_case() != KickRequest::kId) return Targets(client, request);
  v1::GetPeerRequest get;
  get.set_id(request.id());
  const absl::StatusOr<v1::Peer> peer = client.Call(get);
  if (!peer.ok()) return peer.status();
  if (peer->closed_us() != 0) return std::vector<v1::Peer>();
  return std::vector<v1::Peer>{*peer};
}

int DryRun(CommandContext& context, const std::vector<v1::Peer>& peers) {
  Table table = PeerTable(/*with_topics=*/false);
  for (const v1::Peer& peer : peers) {
    if (context.json()) context.PrintJson(peer);
    AddRow(peer, context.now(), /*with_topics=*/false, table);
  }
  if (!context.json()) *context.out << table.ToString(context.style);
  return kOk;
}

}  // namespace

int RunCommand(CommandContext& context, const PeersKickCommand& command) {
  const KickRequest& request = command.request;
  const std::string whom = Whom(request);
  const std::string nobody = fmt::format("there are no {}: see 'cairn-admin peers list'", whom);
  const std::string unknown = request.has_id() ? fmt::format("{} is not connected", whom) : nobody;
  if (command.dry_run || (!command.yes && !request.has_id())) {
    const absl::StatusOr<std::vector<v1::Peer>> peers = Target(context.client, request);
    if (!peers.ok()) return context.Fail(peers.status(), unknown);
    if (peers->empty()) return context.Fail(kNothingMatched, unknown);
    if (command.dry_run) return DryRun(context, *peers);
    const std::string question = fmt::format("Disconnect {} {}?", HumaneCount(peers->size()), whom);
    if (const int code = context.Confirm(question); code != kOk) return code;
  }
  const absl::StatusOr<v1::DisconnectResponse> done = context.client.Call(request);
  if (!done.ok()) return context.Fail(done.status(), unknown);
  if (context.json()) {
    context.PrintJson(*done);
  } else if (done->disconnected() > 0) {
    *context.out << fmt::format("disconnected {}\n", HumaneCount(done->disconnected()));
  }
  return done->disconnected() > 0 ? kOk : context.Fail(kNothingMatched, unknown);
}

}  // namespace cairn::admin
