#include "admin-cli/printing/table.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

Table SampleTable() {
  Table table({{"ID"},
               {"NAME", Column::kLeft, 4},
               {"SIZE", Column::kRight, 0, 1},
               {"NOTE", Column::kLeft, 6, 2}});
  table.Add({"1", "short", "12 B", "first"});
  table.Add({"22", "a rather long name", "1.2 MiB", "the second of them"});
  return table;
}

TEST(TableTest, ColumnsLineUpAndLinesEndWithoutBlanks) {
  EXPECT_EQ(SampleTable().ToString(Style()),
            "ID  NAME                   SIZE  NOTE\n"
            "1   short                  12 B  first\n"
            "22  a rather long name  1.2 MiB  the second of them\n");
}

TEST(TableTest, LongCellsAreCutBeforeColumnsGo) {
  Style style;
  style.width = 40;
  EXPECT_EQ(SampleTable().ToString(style),
            "ID  NAME                   SIZE  NOTE\n"
            "1   short                  12 B  first\n"
            "22  a rather long name  1.2 MiB  the se~\n");
}

TEST(TableTest, ColumnsGoTheLeastImportantFirst) {
  Style style;
  style.width = 20;
  EXPECT_EQ(SampleTable().ToString(style),
            "ID  NAME        SIZE\n"
            "1   short       12 B\n"
            "22  a rath~  1.2 MiB\n");
  style.width = 12;
  EXPECT_EQ(SampleTable().ToString(style),
            "ID  NAME\n"
            "1   short\n"
            "22  a rathe~\n");
}

TEST(TableTest, NoLineIsWiderThanTheTerminal) {
  for (size_t width = 8; width < 60; ++width) {
    Style style;
    style.width = width;
    const std::string text = SampleTable().ToString(style);
    for (size_t start = 0; start < text.size();) {
      const size_t end = text.find('\n', start);
      EXPECT_LE(end - start, width) << text;
      start = end + 1;
    }
  }
}

TEST(TableTest, OnlyTheRowsThatAreAskedForCountForTheWidth) {
  EXPECT_EQ(SampleTable().ToString(Style(), 1),
            "ID  NAME   SIZE  NOTE\n"
            "1   short  12 B  first\n");
}

TEST(TableTest, CellsAreMadePrintable) {
  Table table({{"TOPIC"}});
  table.Add({"\x1b[31mred\n"});
  EXPECT_EQ(table.ToString(Style()), "TOPIC\n\\x1b[31mred\\x0a\n");
}

TEST(TableTest, ColoursSurroundTheTextAndNotThePadding) {
  Table table({{"STATE"}, {"N", Column::kRight}});
  table.Add({{"up", Tone::kGood}, "1"});
  Style style;
  style.colour = true;
  EXPECT_EQ(table.ToString(style),
            "\x1b[1mSTATE\x1b[0m  \x1b[1mN\x1b[0m\n"
            "\x1b[32mup\x1b[0m     1\n");
}

}  // namespace
}  // namespace cairn::admin
