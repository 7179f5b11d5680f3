#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/facts.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

Facts Describe(const v1::EdgeInfo& edge, absl::Time now) {
  Facts facts;
  facts.Add("edge", edge.edge());
  facts.Add("version", edge.version());
  facts.Add("state", edge.draining() ? "draining" : "serving",
            edge.draining() ? Tone::kWarning : Tone::kGood);
  facts.Add("connected", fmt::format("{} ago, at {}", Since(edge.connected_since_us(), now),
                                     HumaneTime(absl::FromUnixMicros(edge.connected_since_us()))));
  facts.Add("peers", fmt::format("{} on {} lanes", HumaneCount(edge.peers()), edge.lanes()));
  facts.Add("in", HumaneCount(edge.messages_in()) + " messages");
  facts.Add("delivered", HumaneCount(edge.frames_delivered()) + " frames");
  facts.Add("backlog", HumaneSize(edge.backlog_bytes()));
  const Cell certificate = CertificateEnd(edge.tls_not_after_us(), now);
  facts.Add("certificate", certificate.text, certificate.tone);
  facts.Add("closes", HumaneReasons(edge.closes()));
  facts.Add("drops", HumaneReasons(edge.drops()));
  return facts;
}

}  // namespace

int RunCommand(CommandContext& context, const EdgesShowCommand& command) {
  const absl::StatusOr<v1::ListEdgesResponse> edges = context.client.Call(v1::ListEdgesRequest());
  if (!edges.ok()) return context.Fail(edges.status());
  for (const v1::EdgeInfo& edge : edges->edges()) {
    if (edge.edge() != command.edge) continue;
    if (context.json()) {
      context.PrintJson(edge);
    } else {
      *context.out << Describe(edge, context.now()).ToString(context.style);
    }
    return kOk;
  }
  return context.Fail(
      kNothingMatched,
      fmt::format("there is no edge '{}': see 'cairn-admin edges list'", command.edge));
}

}  // namespace cairn::admin
