// Table: rows under headings, aligned, and fitted to the terminal's width.
//
// In a table that is too wide, long cells are cut first; then columns are dropped, the least
// important first. Cells are made printable. Their text does not depend on the width.
//
// Thread: one.
#ifndef CAIRN_ADMIN_CLI_PRINTING_TABLE_H_
#define CAIRN_ADMIN_CLI_PRINTING_TABLE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::admin {

// The meaning of a piece of text, shown as a colour if colours are on.
enum class Tone { kPlain, kHeading, kGood, kWarning, kBad, kFaint };

// How to write to the terminal or file.
struct Style {
  size_t width = 0;  // columns; 0: unlimited
  bool colour = false;
  std::string_view cut_mark = "~";
};

// `text` in the colour of its tone, when the style has colours.
std::string Paint(std::string_view text, Tone tone, const Style& style);

struct Column {
  std::string title;
  enum Align { kLeft, kRight } align = kLeft;
  size_t least_width = 0;  // the column may be cut down to this; 0: never cut
  int rank = 0;            // the column with the highest rank is dropped first; 0: never dropped
};

struct Cell {
  Cell(const std::string& cell_text = "", Tone cell_tone = Tone::kPlain);
  Cell(const char* cell_text, Tone cell_tone = Tone::kPlain)
      : Cell(std::string(cell_text), cell_tone) {}

  std::string text;
  Tone tone;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: one cell for each column.
  void Add(std::vector<Cell> row);
  size_t rows() const { return rows_.size(); }

  // The headings and the first `most_rows` rows; each line ends with a line feed.
  std::string ToString(const Style& style, size_t most_rows = static_cast<size_t>(-1)) const;

 private:
  // The width of each column in `style`; a column without room has width 0 and shown[i] false.
  struct Layout {
    std::vector<size_t> width;
    std::vector<bool> shown;
    size_t Total() const;
  };
  Layout Fit(const Style& style, size_t rows) const;
  void AppendLine(const std::vector<Cell>& cells, const Layout& layout, const Style& style,
                  std::string& out) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_TABLE_H_
