#include "admin-cli/probe/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "admin-cli/exit_code.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/printable.h"
#include "base/check.h"
#include "base/unicode.h"

namespace cairn::admin {
namespace {

struct Looks {
  const char* name;
  Tone tone;
};

Looks LooksOf(StepState state) {
  switch (state) {
    case StepState::kOk:
      return {"ok", Tone::kGood};
    case StepState::kWarning:
      return {"warning", Tone::kWarning};
    case StepState::kFailed:
      return {"failed", Tone::kBad};
  }
  return {"", Tone::kPlain};
}

}  // namespace

void ProbeReport::Start(const std::string& url) {
  if (form_ == Form::kTable)
    out_ << Paint(Printable(url), Tone::kHeading, style_) << "\n" << std::flush;
}

void ProbeReport::Add(const ProbeStep& step) {
  const Looks looks = LooksOf(step.state);
  if (step.state == StepState::kFailed && failure_.empty()) {
    failure_ = fmt::format("{}: {}", step.name, Printable(step.text));
  }
  if (form_ == Form::kJson) {
    std::string json =
        fmt::format("{{\"step\":\"{}\",\"state\":\"{}\",\"took_us\":{},\"text\":", step.name,
                    looks.name, absl::ToInt64Microseconds(step.took));
    AppendJsonString(step.text, json);
    out_ << json << "}\n" << std::flush;
    return;
  }
  out_ << fmt::format("  {:<13}  {}  {:>8}  {}\n", step.name,
                      Paint(fmt::format("{:<7}", looks.name), looks.tone, style_),
                      HumaneLatency(step.took), Printable(step.text))
       << std::flush;
}

int ProbeReport::Finish(std::ostream& err) {
  if (!failed()) return kOk;
  err << "cairn-admin: probe failed at " << failure_ << "\n";
  return kNothingMatched;
}

std::string SummarizeLatencies(std::vector<absl::Duration> latencies) {
  CAIRN_CHECK(!latencies.empty());
  std::sort(latencies.begin(), latencies.end());
  return fmt::format("median {}, {} to {}", HumaneLatency(latencies[latencies.size() / 2]),
                     HumaneLatency(latencies.front()), HumaneLatency(latencies.back()));
}

}  // namespace cairn::admin
