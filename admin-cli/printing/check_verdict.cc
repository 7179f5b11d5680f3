#include "admin-cli/printing/check_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "admin-cli/printing/humane.h"
#include "base/unicode.h"

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

namespace {

constexpr const char* kNames[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

const char* Name(CheckState state) { return kNames[static_cast<int>(state)]; }

class Judgement {
 public:
  // `says`: the text for people.
  void Weigh(const std::string& says, const char* label, double value, const char* unit,
             const Limits& limits) {
    CheckState state = CheckState::kOk;
    if (limits.warning.Alerts(value)) state = CheckState::kWarning;
    if (limits.critical.Alerts(value)) state = CheckState::kCritical;
    Say(says, state);
    Measure(label, value, unit, limits);
  }

  void Say(const std::string& says, CheckState state = CheckState::kOk) {
    worst_ = std::max(worst_, state);
    // Problems come first, because monitoring systems cut long lines.
    std::vector<std::string>& parts = state == CheckState::kOk ? fine_ : wrong_;
    parts.push_back(state == CheckState::kOk ? says : fmt::format("{} {}", says, Name(state)));
  }

  void Measure(const char* label, double value, const char* unit, const Limits& limits = {}) {
    perfdata_.push_back(fmt::format("{}={}{};{};{}", label, value, unit, limits.warning.text(),
                                    limits.critical.text()));
    while (perfdata_.back().back() == ';') perfdata_.back().pop_back();
  }

  CheckVerdict Verdict() {
    wrong_.insert(wrong_.end(), fine_.begin(), fine_.end());
    return {worst_, fmt::format("{}", fmt::join(wrong_, ", ")),
            fmt::format("{}", fmt::join(perfdata_, " "))};
  }

 private:
  CheckState worst_ = CheckState::kOk;
  std::vector<std::string> wrong_;
  std::vector<std::string> fine_;
  std::vector<std::string> perfdata_;
};

std::string Count(uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", HumaneCount(count), noun, count == 1 ? "" : "s");
}

void WeighCertificate(int64_t not_after_us, const Thresholds& thresholds, absl::Time now,
                      Judgement& judgement) {
  if (not_after_us == 0) return;
  const absl::Duration left = absl::FromUnixMicros(not_after_us) - now;
  const std::string says = left < absl::ZeroDuration()
                               ? fmt::format("a certificate ended {} ago", HumaneDuration(-left))
                               : fmt::format("certificate ends in {}", HumaneDuration(left));
  const Limits limits{Range::AtLeast(absl::ToDoubleSeconds(thresholds.certificate_warning)),
                      Range::AtLeast(absl::ToDoubleSeconds(thresholds.certificate_critical))};
  judgement.Weigh(says, "certificate", static_cast<double>(absl::ToInt64Seconds(left)), "s",
                  limits);
}

uint64_t Sum(const google::protobuf::RepeatedPtrField<v1::ReasonCount>& reasons) {
  uint64_t sum = 0;
  for (const v1::ReasonCount& reason : reasons) sum += reason.count();
  return sum;
}

}  // namespace

std::string CheckVerdict::ToLine() const {
  // A vertical bar would begin the performance data.
  std::string said = text;
  std::replace(said.begin(), said.end(), '|', '/');
  return fmt::format("CAIRN {} - {}{}{}", Name(state), said, perfdata.empty() ? "" : " | ",
                     perfdata);
}

std::string CheckVerdict::ToJson() const {
  std::string json = fmt::format("{{\"state\":\"{}\",\"text\":", Name(state));
  AppendJsonString(text, json);
  json += ",\"perfdata\":";
  AppendJsonString(perfdata, json);
  return json + "}";
}

CheckVerdict Evaluate(const v1::GetStatusResponse& status, const Thresholds& thresholds,
                      absl::Time now) {
  Judgement judgement;
  for (const std::string& core : status.missing_cores())
    judgement.Say(fmt::format("core {} does not answer", core), CheckState::kCritical);
  judgement.Weigh(Count(status.peers(), "peer"), "peers", static_cast<double>(status.peers()), "",
                  thresholds.peers);
  judgement.Weigh(Count(status.edges(), "edge"), "edges", status.edges(), "", thresholds.edges);
  judgement.Weigh(HumaneSize(status.resident_bytes()), "memory",
                  static_cast<double>(status.resident_bytes()), "B", thresholds.memory);
  WeighCertificate(status.tls_not_after_us(), thresholds, now, judgement);
  judgement.Say(fmt::format("{} relays/s", HumaneRate(status.relays_per_second())));
  judgement.Measure("topics", static_cast<double>(status.topics()), "");
  judgement.Measure("relays", static_cast<double>(status.relays()), "c");
  judgement.Measure("deliveries", static_cast<double>(status.deliveries()), "c");
  judgement.Measure("drops", static_cast<double>(Sum(status.drops())), "c");
  const absl::Duration up = now - absl::FromUnixMicros(status.started_us());
  judgement.Measure("uptime", static_cast<double>(absl::ToInt64Seconds(up)), "s");
  return judgement.Verdict();
}

}  // namespace cairn::admin
