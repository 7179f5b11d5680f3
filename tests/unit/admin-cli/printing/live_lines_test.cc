#include "admin-cli/printing/live_lines.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace cairn::admin {
namespace {

namespace v1 = ::cairn::signaling::v1;

class LiveLinesTest : public ::testing::Test {
 protected:
  LiveLinesTest() {
    setenv("TZ", "UTC", 1);
    event_.set_kind(v1::Event::KIND_CLOSED);
    event_.set_time_us(1'770'000'000'204'000);
    event_.set_id("00000000000000ff");
    event_.set_edge("edge-1");
    event_.set_remote_address("192.0.2.7:51000");
    event_.set_close_code(1013);
    event_.set_close_reason("slow_reader");
  }

  v1::Event event_;
};

TEST_F(LiveLinesTest, AnEventIsALineWithItsDetailsLast) {
  EXPECT_EQ(EventLine(event_, Style()),
            "02:40:00.204  closed        00000000000000ff  edge-1      slow_reader (1013)  "
            "192.0.2.7:51000\n");
}

TEST_F(LiveLinesTest, MissedEventsAreReportedBeforeTheNextEvent) {
  event_.set_missed(1200);
  const std::string lines = EventLine(event_, Style());
  EXPECT_EQ(lines.substr(0, lines.find('\n')),
            "02:40:00.204  1,200 events not shown: they came too fast");
  EXPECT_NE(lines.find("slow_reader"), std::string::npos);
  event_.set_kind(v1::Event::KIND_MISSED);
  EXPECT_EQ(EventLine(event_, Style()), lines.substr(0, lines.find('\n') + 1));
}

TEST_F(LiveLinesTest, LinesAreCutToTheTerminal) {
  Style style;
  style.width = 80;
  const std::string line = EventLine(event_, style);
  EXPECT_EQ(line.size(), 81u);
  EXPECT_EQ(line.substr(78), "1~\n");
}

TEST_F(LiveLinesTest, NamesThatClientsChoseAreMadePrintable) {
  event_.set_kind(v1::Event::KIND_SUBSCRIBED);
  event_.set_topic("evil\x1b[2J\n");
  EXPECT_NE(EventLine(event_, Style()).find("evil\\x1b[2J\\x0a"), std::string::npos);
}

TEST_F(LiveLinesTest, AnEventWithoutDetailsHasNoBlanksAtItsEnd) {
  v1::Event up;
  up.set_kind(v1::Event::KIND_EDGE_UP);
  up.set_time_us(event_.time_us());
  up.set_edge("edge-1");
  EXPECT_EQ(EventLine(up, Style()), "02:40:00.204  edge up                         edge-1\n");
}

TEST_F(LiveLinesTest, TraceLinesAreBelowTheirHeadings) {
  v1::TraceRecord record;
  record.set_time_us(event_.time_us());
  record.set_id("00000000000000ff");
  record.set_edge("edge-1");
  record.set_topic("t");
  record.set_seq(42);
  record.set_payload_bytes(200);
  record.set_lanes(2);
  record.set_subscribers(3);
  record.set_latency_us(412);
  EXPECT_EQ(
      TraceHeading(Style()) + TraceLine(record, Style()),
      "TIME          SENDER            EDGE           SIZE  HEARERS   AFTER       SEQ  LANES  "
      "TOPIC\n"
      "02:40:00.204  00000000000000ff  edge-1        200 B        3   412us        42      2  t\n");
  Style narrow;
  narrow.width = 80;
  EXPECT_EQ(TraceHeading(narrow) + TraceLine(record, narrow),
            "TIME          SENDER            EDGE           SIZE  HEARERS   AFTER  TOPIC\n"
            "02:40:00.204  00000000000000ff  edge-1        200 B        3   412us  t\n");
}

}  // namespace
}  // namespace cairn::admin
