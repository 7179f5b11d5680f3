#include "admin-cli/printing/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/printable.h"

namespace cairn::admin {

using ::cairn::signaling::v1::ReasonCount;

namespace {

constexpr size_t kNameGap = 2;

// Breaks the text at blanks into lines of at most `width` columns; 0: one line.
std::vector<std::string> Wrap(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  while (width > 0 && DisplayWidth(text) > width) {
    std::string line = CutToWidth(text, width, "");
    const size_t blank = text[line.size()] == ' ' ? line.size() : line.rfind(' ');
    if (blank != line.npos && blank > 0) line.resize(blank);
    text.remove_prefix(line.size());
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    lines.push_back(std::move(line));
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

}  // namespace

void Facts::Add(std::string name, const std::string& value, Tone tone) {
  facts_.emplace_back(std::move(name), Cell(value, tone));
}

std::string Facts::ToString(const Style& style) const {
  size_t width = 0;
  for (const auto& [name, cell] : facts_) width = std::max(width, name.size() + kNameGap);
  std::string out;
  for (const auto& [name, cell] : facts_) {
    std::string before = Paint(name, Tone::kHeading, style) + std::string(width - name.size(), ' ');
    for (const std::string& line : Wrap(cell.text, style.width > width ? style.width - width : 0)) {
      out += std::exchange(before, std::string(width, ' ')) + Paint(line, cell.tone, style) + "\n";
    }
  }
  return out;
}

std::string HumaneReasons(const google::protobuf::RepeatedPtrField<ReasonCount>& reasons) {
  std::vector<const ReasonCount*> sorted;
  for (const ReasonCount& reason : reasons) {
    if (reason.count() > 0) sorted.push_back(&reason);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const ReasonCount* a, const ReasonCount* b) {
    return a->count() > b->count();
  });
  std::string out;
  for (const ReasonCount* reason : sorted) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", reason->reason(),
                       HumaneCount(reason->count()));
  }
  return out.empty() ? "none" : out;
}

}  // namespace cairn::admin
