#include "admin-cli/printing/live_lines.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/printable.h"

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

namespace {

constexpr size_t kWideColumns = 120;

struct Looks {
  const char* name;
  Tone tone;
};

Looks LooksOf(v1::Event::Kind kind) {
  switch (kind) {
    case v1::Event::KIND_CONNECTED:
      return {"connected", Tone::kGood};
    case v1::Event::KIND_CLOSED:
      return {"closed", Tone::kWarning};
    case v1::Event::KIND_SUBSCRIBED:
      return {"subscribed", Tone::kPlain};
    case v1::Event::KIND_UNSUBSCRIBED:
      return {"unsubscribed", Tone::kPlain};
    case v1::Event::KIND_EDGE_UP:
      return {"edge up", Tone::kGood};
    case v1::Event::KIND_EDGE_DOWN:
      return {"edge down", Tone::kBad};
    default:
      // A kind of event newer than this program.
      return {"event", Tone::kPlain};
  }
}

// The most important parts come first: the end of the line may be cut.
std::string Details(const v1::Event& event) {
  std::vector<std::string> details;
  if (event.kind() == v1::Event::KIND_CLOSED) {
    const std::string code =
        event.close_code() == 0 ? "" : fmt::format(" ({})", event.close_code());
    details.push_back(event.close_reason() + code);
  }
  if (!event.topic().empty()) details.push_back(event.topic());
  if (!event.remote_address().empty()) details.push_back(event.remote_address());
  return fmt::format("{}", fmt::join(details, "  "));
}

// The time is faint; the first `toned` bytes after it have a tone.
std::string Finish(const std::string& time, const std::string& rest, size_t toned, Tone tone,
                   const Style& style) {
  const size_t room = style.width > time.size() ? style.width - time.size() : 0;
  const std::string cut = style.width == 0 ? rest : CutToWidth(rest, room, style.cut_mark);
  const std::string_view text = cut;
  return Paint(time, Tone::kFaint, style) + Paint(text.substr(0, toned), tone, style) +
         std::string(text.substr(std::min(toned, text.size()))) + "\n";
}

std::string Clock(int64_t time_us) { return HumaneClock(absl::FromUnixMicros(time_us)) + "  "; }

// A line that says how much was left out before this message; "" if nothing was.
std::string MissedLine(uint64_t missed, int64_t time_us, const char* what, const Style& style) {
  if (missed == 0) return "";
  const std::string text =
      fmt::format("{} {} not shown: they came too fast", HumaneCount(missed), what);
  return Finish(Clock(time_us), text, text.size(), Tone::kWarning, style);
}

// Whether there is room for the less important columns.
bool ShowsAll(const Style& style) { return style.width == 0 || style.width >= kWideColumns; }

}  // namespace

std::string EventLine(const v1::Event& event, const Style& style) {
  std::string out = MissedLine(event.missed(), event.time_us(), "events", style);
  if (event.kind() == v1::Event::KIND_MISSED) return out;
  const Looks looks = LooksOf(event.kind());
  const std::string name = fmt::format("{:<12}", looks.name);
  const std::string rest = Printable(
      fmt::format("{}  {:<16}  {:<10}  {}", name, event.id(), event.edge(), Details(event)));
  return out + Finish(Clock(event.time_us()), rest.substr(0, rest.find_last_not_of(' ') + 1),
                      name.size(), looks.tone, style);
}

std::string TraceHeading(const Style& style) {
  const std::string more = ShowsAll(style) ? fmt::format("{:>8}  {:>5}  ", "SEQ", "LANES") : "";
  const std::string line = fmt::format("{:<12}  {:<16}  {:<8}  {:>9}  {:>7}  {:>6}  {}TOPIC",
                                       "TIME", "SENDER", "EDGE", "SIZE", "HEARERS", "AFTER", more);
  return Paint(line, Tone::kHeading, style) + "\n";
}

std::string TraceLine(const v1::TraceRecord& record, const Style& style) {
  std::string out = MissedLine(record.missed(), record.time_us(), "relays", style);
  // A record that only says how much was missed.
  if (record.id().empty()) return out;
  const std::string more =
      ShowsAll(style) ? fmt::format("{:>8}  {:>5}  ", record.seq(), record.lanes()) : "";
  const std::string latency =
      record.latency_us() == 0 ? "-" : HumaneLatency(absl::Microseconds(record.latency_us()));
  const std::string rest = Printable(fmt::format(
      "{:<16}  {:<8}  {:>9}  {:>7}  {:>6}  {}{}", record.id(), record.edge(),
      HumaneSize(record.payload_bytes()), record.subscribers(), latency, more, record.topic()));
  return out + Finish(Clock(record.time_us()), rest, 0, Tone::kPlain, style);
}

}  // namespace cairn::admin
