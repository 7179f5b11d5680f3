#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/facts.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

std::string Count(uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", HumaneCount(count), noun, count == 1 ? "" : "s");
}

Facts Describe(const v1::GetStatusResponse& status, absl::Time now) {
  Facts facts;
  if (status.cores() > 0) {
    facts.Add("cores", fmt::format("{}, version {}", status.cores(), status.version()));
  } else {
    facts.Add("core", fmt::format("version {}, id {}", status.version(), status.core_id()));
  }
  if (status.missing_cores_size() > 0) {
    facts.Add("missing", fmt::format("{}", fmt::join(status.missing_cores(), ", ")), Tone::kBad);
  }
  facts.Add("up", fmt::format("{}, since {}", Since(status.started_us(), now),
                              HumaneTime(absl::FromUnixMicros(status.started_us()))));
  facts.Add("peers", fmt::format("{} on {} ({}); {} opened and {} closed since the core started",
                                 HumaneCount(status.peers()), Count(status.edges(), "edge"),
                                 Count(status.lanes(), "lane"), HumaneCount(status.peers_opened()),
                                 HumaneCount(status.peers_closed())));
  facts.Add("topics", fmt::format("{} with {}", HumaneCount(status.topics()),
                                  Count(status.subscriptions(), "subscription")));
  facts.Add("relays",
            fmt::format("{}/s; {} received, {} of them heard by nobody, {} sent to lanes",
                        HumaneRate(status.relays_per_second()), HumaneCount(status.relays()),
                        HumaneCount(status.relays_unheard()), HumaneCount(status.deliveries())));
  if (status.records() > 0 || status.held_queries() > 0) {
    facts.Add("records", fmt::format("{}, {}; {} waiting", Count(status.records(), "record"),
                                     HumaneSize(status.record_bytes()),
                                     Count(status.held_queries(), "held request")));
  }
  facts.Add("memory", HumaneSize(status.resident_bytes()));
  const Cell certificate = CertificateEnd(status.tls_not_after_us(), now);
  facts.Add("certificate", certificate.text, certificate.tone);
  facts.Add("closes", HumaneReasons(status.closes()));
  facts.Add("drops", HumaneReasons(status.drops()));
  return facts;
}

}  // namespace

int RunCommand(CommandContext& context, const StatusCommand& command) {
  return Repeat(context, command.every, [](CommandContext& once) -> int {
    const absl::StatusOr<v1::GetStatusResponse> status = once.client.Call(v1::GetStatusRequest());
    if (!status.ok()) return once.Fail(status.status());
    if (once.json()) {
      once.PrintJson(*status);
    } else {
      *once.out << Describe(*status, once.now()).ToString(once.style);
    }
    return kOk;
  });
}

}  // namespace cairn::admin
