#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

int ListPeersOnce(CommandContext& context, const PeersListCommand& command) {
  v1::ListPeersRequest request = command.request;
  const absl::Time now = context.now();
  v1::PeerFilter& filter = *request.mutable_filter();
  if (command.since > absl::ZeroDuration())
    filter.set_connected_after_us(absl::ToUnixMicros(now - command.since));
  if (command.before > absl::ZeroDuration())
    filter.set_connected_before_us(absl::ToUnixMicros(now - command.before));

  const bool with_topics = request.with_topics();
  Table table = request.closed() ? ClosedPeerTable() : PeerTable(with_topics, request.sort());
  std::string next_page;
  const absl::Status status =
      context.client.Stream(request, [&](const v1::ListPeersResponse& page) {
        for (const v1::Peer& peer : page.peers()) {
          if (context.json()) {
            context.PrintJson(peer);
          } else if (request.closed()) {
            AddClosedRow(peer, now, table);
          } else {
            AddRow(peer, now, with_topics, table);
          }
        }
        next_page = page.next_page_token();
        return true;
      });
  if (!status.ok()) return context.Fail(status);
  if (!context.json()) *context.out << table.ToString(context.style);
  if (!next_page.empty() && command.every == absl::ZeroDuration()) {
    context.out->flush();
    context.err << fmt::format("cairn-admin: there are more peers; go on with --after {}\n",
                               next_page);
  }
  return kOk;
}

}  // namespace

int RunCommand(CommandContext& context, const PeersListCommand& command) {
  return Repeat(context, command.every,
                [&](CommandContext& once) { return ListPeersOnce(once, command); });
}

}  // namespace cairn::admin
