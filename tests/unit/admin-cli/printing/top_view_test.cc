#include "admin-cli/printing/top_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "admin-cli/printing/printable.h"

namespace cairn::admin {
namespace {

namespace v1 = ::cairn::signaling::v1;

constexpr absl::Time kDrawnAt = absl::FromUnixSeconds(1'770'000'000);

TopFigures SampleFigures(size_t topics, size_t peers) {
  TopFigures figures;
  figures.time = kDrawnAt;
  figures.status.set_version("0.3.0");
  figures.status.set_started_us(absl::ToUnixMicros(kDrawnAt - absl::Minutes(5)));
  figures.status.set_peers(peers);
  figures.status.set_topics(topics);
  figures.status.set_edges(2);
  figures.status.set_deliveries(3000);
  figures.edges.resize(2);
  figures.edges[0].set_edge("edge-1");
  figures.edges[1].set_edge("edge-2");
  figures.topics.resize(topics);
  for (v1::Topic& topic : figures.topics) topic.set_name(std::string(64, 'a'));
  figures.peers.resize(peers);
  for (v1::Peer& peer : figures.peers) {
    peer.set_id("00000000000000ff");
    peer.set_edge("edge-1");
    peer.set_remote_address("192.0.2.7:51000");
  }
  return figures;
}

TopFigures Nothing() {
  TopFigures figures;
  figures.time = absl::InfinitePast();
  return figures;
}

TopLook Look() {
  TopLook look;
  look.sort_name = "bytes in";
  return look;
}

std::vector<std::string> Lines(const std::string& screen) {
  std::vector<std::string> lines;
  std::istringstream in(screen);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(TopViewTest, EverySizeOfScreenIsFilledAndNotExceeded) {
  setenv("TZ", "UTC", 1);
  for (const size_t columns : {20u, 80u, 200u}) {
    for (const size_t rows : {3u, 10u, 24u, 60u}) {
      for (const size_t many : {0u, 1u, 500u}) {
        const TerminalSize size{columns, rows};
        const std::string screen =
            RenderTop(SampleFigures(many, many), Nothing(), Look(), size, Style());
        EXPECT_EQ(static_cast<size_t>(std::count(screen.begin(), screen.end(), '\n')), rows - 1);
        for (const std::string& line : Lines(screen)) {
          // Below the width of the columns that never go, the terminal cuts.
          EXPECT_TRUE(columns < 80 || DisplayWidth(line) <= columns) << line;
        }
      }
    }
  }
}

TEST(TopViewTest, AScreenOf24LinesShowsAllThreeTables) {
  const std::vector<std::string> lines =
      Lines(RenderTop(SampleFigures(50, 50), Nothing(), Look(), {80, 24}, Style()));
  EXPECT_EQ(lines[0], "cairn 0.3.0  up 5m00s  peers 50  topics 50  edges 2  0 B");
  const auto count = [&](const std::string& start) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const std::string& line) { return line.find(start) == 0; });
  };
  EXPECT_EQ(count("EDGE"), 1);
  EXPECT_EQ(count("edge-"), 2);
  EXPECT_EQ(count("TOPIC"), 1);
  EXPECT_GE(count("aaaa"), 5);
  EXPECT_EQ(count("ID"), 1);
  EXPECT_GE(count("00000000000000ff"), 5);
  EXPECT_EQ(lines.back(), "02:40:00  q quit  s peers by bytes in  space pause");
}

TEST(TopViewTest, RatesAreBetweenTwoRefreshes) {
  TopFigures before = SampleFigures(0, 0);
  before.time = kDrawnAt - absl::Seconds(2);
  before.status.set_deliveries(1000);
  const std::string screen = RenderTop(SampleFigures(0, 0), before, Look(), {80, 24}, Style());
  EXPECT_NE(screen.find("to lanes 1,000/s"), std::string::npos) << screen;
}

TEST(TopViewTest, ACoreThatStartedAnewHasNoRatesYet) {
  TopFigures before = SampleFigures(0, 0);
  before.time = kDrawnAt - absl::Seconds(2);
  before.status.set_deliveries(1'000'000);
  EXPECT_NE(RenderTop(SampleFigures(0, 0), before, Look(), {80, 24}, Style()).find("to lanes -/s"),
            std::string::npos);
}

TEST(TopViewTest, AnErrorIsInTheLastLineAndTheOldFiguresStay) {
  TopLook look = Look();
  look.trouble = "cannot reach the core";
  const std::vector<std::string> lines =
      Lines(RenderTop(SampleFigures(1, 1), Nothing(), look, {80, 24}, Style()));
  EXPECT_EQ(lines.back(), "cannot reach the core; figures of 02:40:00");
  EXPECT_EQ(lines[0].substr(0, 11), "cairn 0.3.0");
}

}  // namespace
}  // namespace cairn::admin
