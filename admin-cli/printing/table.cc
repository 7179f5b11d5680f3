#include "admin-cli/printing/table.h"

#include <algorithm>
#include <utility>

#include "admin-cli/printing/printable.h"
#include "base/check.h"

namespace cairn::admin {
namespace {

constexpr size_t kColumnGap = 2;

// SGR parameters (ECMA-48 8.3.117) that are readable on dark and light backgrounds.
const char* Sgr(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kHeading:
      return "1";
    case Tone::kGood:
      return "32";
    case Tone::kWarning:
      return "33";
    case Tone::kBad:
      return "1;31";
    case Tone::kFaint:
      return "2";
  }
  return "";
}

}  // namespace

std::string Paint(std::string_view text, Tone tone, const Style& style) {
  if (!style.colour || tone == Tone::kPlain || text.empty()) return std::string(text);
  return std::string("\x1b[") + Sgr(tone) + "m" + std::string(text) + "\x1b[0m";
}

Cell::Cell(const std::string& cell_text, Tone cell_tone)
    : text(Printable(cell_text)), tone(cell_tone) {}

void Table::Add(std::vector<Cell> row) {
  CAIRN_CHECK(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

size_t Table::Layout::Total() const {
  size_t total = 0;
  for (size_t i = 0; i < width.size(); ++i) {
    if (shown[i]) total += width[i] + (total > 0 ? kColumnGap : 0);
  }
  return total;
}

Table::Layout Table::Fit(const Style& style, size_t rows) const {
  Layout layout{std::vector<size_t>(columns_.size()), std::vector<bool>(columns_.size(), true)};
  for (size_t i = 0; i < columns_.size(); ++i) {
    layout.width[i] = columns_[i].title.size();
    for (size_t row = 0; row < rows; ++row) {
      layout.width[i] = std::max(layout.width[i], DisplayWidth(rows_[row][i].text));
    }
  }
  if (style.width == 0) return layout;
  const std::vector<size_t> whole = layout.width;
  // Drops columns until the others fit in their shortest form.
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].least_width > 0) {
      layout.width[i] =
          std::min(whole[i], std::max(columns_[i].least_width, columns_[i].title.size()));
    }
  }
  while (layout.Total() > style.width) {
    size_t goes = columns_.size();
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (layout.shown[i] && columns_[i].rank > (goes < columns_.size() ? columns_[goes].rank : 0))
        goes = i;
    }
    if (goes == columns_.size()) break;
    layout.shown[goes] = false;
  }
  // The remaining room goes to the columns that were cut, from the left.
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!layout.shown[i]) continue;
    const size_t total = layout.Total();
    const size_t room = style.width > total ? style.width - total : 0;
    layout.width[i] += std::min(room, whole[i] - layout.width[i]);
  }
  return layout;
}

void Table::AppendLine(const std::vector<Cell>& cells, const Layout& layout, const Style& style,
                       std::string& out) const {
  std::string pending;  // blanks, written only if something follows
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!layout.shown[i]) continue;
    const std::string text = CutToWidth(cells[i].text, layout.width[i], style.cut_mark);
    const std::string blanks(layout.width[i] - std::min(layout.width[i], DisplayWidth(text)), ' ');
    if (columns_[i].align == Column::kRight) pending += blanks;
    if (!text.empty()) {
      out += std::exchange(pending, "") + Paint(text, cells[i].tone, style);
    }
    if (columns_[i].align == Column::kLeft) pending += blanks;
    pending.append(kColumnGap, ' ');
  }
  out += '\n';
}

std::string Table::ToString(const Style& style, size_t most_rows) const {
  const size_t rows = std::min(most_rows, rows_.size());
  const Layout layout = Fit(style, rows);
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.emplace_back(column.title, Tone::kHeading);
  std::string out;
  AppendLine(titles, layout, style, out);
  for (size_t row = 0; row < rows; ++row) AppendLine(rows_[row], layout, style, out);
  return out;
}

}  // namespace cairn::admin
