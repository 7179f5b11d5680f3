#include "admin-cli/printing/top_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/printable.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

namespace {

constexpr size_t kHeadLines = 2;
// Of each of the three tables: a blank line, the title and the column headings.
constexpr size_t kLinesAroundTables = size_t{3} * 2;
constexpr size_t kFootLines = 1;

std::string Rate(uint64_t now, uint64_t before, absl::Duration between) {
  // A counter that decreased: another core answers.
  if (between <= absl::ZeroDuration() || now < before) return "-";
  return HumaneRate(static_cast<double>(now - before) / absl::ToDoubleSeconds(between));
}

std::string Cut(const std::string& line, TerminalSize size, const Style& style) {
  return CutToWidth(line, size.columns, style.cut_mark);
}

std::string Head(const TopFigures& figures, const TopFigures& before, TerminalSize size,
                 const Style& style) {
  const v1::GetStatusResponse& status = figures.status;
  const absl::Duration between =
      before.time == absl::InfinitePast() ? absl::ZeroDuration() : figures.time - before.time;
  const std::string first =
      fmt::format("cairn {}  up {}  peers {}  topics {}  edges {}  {}", Printable(status.version()),
                  Since(status.started_us(), figures.time), HumaneCount(status.peers()),
                  HumaneCount(status.topics()), HumaneCount(status.edges()),
                  HumaneSize(status.resident_bytes()));
  const std::string second =
      fmt::format("relays {}/s  to lanes {}/s  unheard {}/s  opened {}/s  closed {}/s",
                  HumaneRate(status.relays_per_second()),
                  Rate(status.deliveries(), before.status.deliveries(), between),
                  Rate(status.relays_unheard(), before.status.relays_unheard(), between),
                  Rate(status.peers_opened(), before.status.peers_opened(), between),
                  Rate(status.peers_closed(), before.status.peers_closed(), between));
  return Paint(Cut(first, size, style), Tone::kHeading, style) + "\n" + Cut(second, size, style) +
         "\n";
}

std::string Foot(const TopFigures& figures, const TopLook& look, TerminalSize size,
                 const Style& style) {
  const std::string clock = HumaneClock(figures.time).substr(0, 8);
  if (!look.trouble.empty()) {
    return Paint(Cut(fmt::format("{}; figures of {}", look.trouble, clock), size, style),
                 Tone::kBad, style);
  }
  const std::string state = look.paused ? "PAUSED" : clock;
  return Paint(Cut(fmt::format("{}  q quit  s peers by {}  space pause", state, look.sort_name),
                   size, style),
               Tone::kFaint, style);
}

// A table's heading and as many rows as fit.
std::string Section(const Table& table, size_t rows, const Style& style) {
  return "\n" + table.ToString(style, rows);
}

// The share of peers and of topics in the lines that edges leave.
struct Rooms {
  size_t edges;
  size_t topics;
  size_t peers;
};

Rooms Share(const TopFigures& figures, size_t rows) {
  const size_t around = kHeadLines + kLinesAroundTables + kFootLines;
  size_t left = rows > around ? rows - around : 0;
  Rooms rooms = {};
  rooms.edges = std::min(figures.edges.size(), left / 4);
  left -= rooms.edges;
  rooms.topics = std::min(figures.topics.size(), left / 2);
  left -= rooms.topics;
  rooms.peers = std::min(figures.peers.size(), left);
  return rooms;
}

// Fills up or cuts to `lines` lines.
std::string FitLines(const std::string& text, size_t lines) {
  size_t end = 0;
  size_t have = 0;
  while (have < lines && end < text.size()) {
    end = text.find('\n', end) + 1;
    ++have;
  }
  return text.substr(0, end) + std::string(lines - have, '\n');
}

}  // namespace

std::string RenderTop(const TopFigures& figures, const TopFigures& before, const TopLook& look,
                      TerminalSize size, const Style& style) {
  Style fitted = style;
  fitted.width = size.columns;
  const Rooms rooms = Share(figures, size.rows);
  Table edges = EdgeTable();
  for (const v1::EdgeInfo& edge : figures.edges) AddRow(edge, figures.time, edges);
  Table topics = TopicTable();
  for (const v1::Topic& topic : figures.topics) AddRow(topic, figures.time, topics);
  Table peers = PeerTable(/*with_topics=*/false, look.peers_sorted_by);
  for (const v1::Peer& peer : figures.peers)
    AddRow(peer, figures.time, /*with_topics=*/false, peers);
  const std::string body =
      Head(figures, before, size, fitted) + Section(edges, rooms.edges, fitted) +
      Section(topics, rooms.topics, fitted) + Section(peers, rooms.peers, fitted);
  const size_t lines = std::max(size.rows, kFootLines + 1) - kFootLines;
  return FitLines(body, lines) + Foot(figures, look, size, fitted);
}

}  // namespace cairn::admin
