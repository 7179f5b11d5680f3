#include "admin-cli/printing/views.h"

#include <fmt/format.h>

#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/thresholds.h"

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

namespace {

// Half of the queue that closes a connection with the server's default limits.
constexpr uint64_t kWorryingQueueBytes = 512 << 10;
constexpr auto kRight = Column::kRight;
constexpr auto kLeft = Column::kLeft;

std::string Dash(const std::string& text) { return text.empty() ? "-" : text; }

Cell QueueCell(uint64_t bytes) {
  return {HumaneSize(bytes), bytes >= kWorryingQueueBytes ? Tone::kWarning : Tone::kPlain};
}

std::string Join(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return Dash(fmt::format("{}", fmt::join(texts, " ")));
}

}  // namespace

std::string Since(int64_t time_us, absl::Time now) {
  if (time_us == 0) return "-";
  // The other machine's clock may be ahead. Whole seconds suffice: ages are compared, not measured.
  const absl::Duration age = std::max(now - absl::FromUnixMicros(time_us), absl::ZeroDuration());
  return HumaneDuration(absl::Floor(age, absl::Seconds(1)));
}

std::string RoundTrip(int64_t rtt_us) {
  return rtt_us == 0 ? "-" : HumaneLatency(absl::Microseconds(rtt_us));
}

Cell CertificateEnd(int64_t not_after_us, absl::Time now) {
  if (not_after_us == 0) return {"none", Tone::kPlain};
  const absl::Duration left = absl::FromUnixMicros(not_after_us) - now;
  if (left <= absl::ZeroDuration())
    return {fmt::format("ended {} ago", HumaneDuration(-left)), Tone::kBad};
  const Thresholds usual;
  const Tone tone = left < usual.certificate_critical  ? Tone::kBad
                    : left < usual.certificate_warning ? Tone::kWarning
                                                       : Tone::kPlain;
  return {fmt::format("ends in {}", HumaneDuration(left)), tone};
}

Table PeerTable(bool with_topics, v1::ListPeersRequest::Sort sorted_by) {
  using Request = v1::ListPeersRequest;
  // The column that it is sorted by is never dropped.
  const auto rank = [sorted_by](int usual, Request::Sort sort) {
    return sort == sorted_by ? 0 : usual;
  };
  std::vector<Column> columns = {{"ID"},
                                 {"EDGE", kLeft, 6},
                                 {"ADDRESS", kLeft, 15},
                                 {"UP", kRight},
                                 {"IDLE", kRight, 0, rank(1, Request::SORT_LAST_ACTIVITY)},
                                 {"RTT", kRight, 0, rank(2, Request::SORT_RTT)},
                                 {"QUEUED", kRight, 0, rank(3, Request::SORT_QUEUED_BYTES)},
                                 {"TOPICS", kRight, 0, 4},
                                 {"BYTES IN", kRight, 0, rank(5, Request::SORT_BYTES_IN)},
                                 {"BYTES OUT", kRight, 0, rank(6, Request::SORT_BYTES_OUT)},
                                 {"MSGS IN", kRight, 0, rank(8, Request::SORT_MESSAGES_IN)},
                                 {"MSGS OUT", kRight, 0, 9},
                                 {"DIALECT", kLeft, 0, 10},
                                 {"TLS", kLeft, 0, 11},
                                 {"AGENT", kLeft, 12, 7}};
  if (with_topics) columns.push_back({"SUBSCRIBED TO", kLeft, 16});
  return Table(std::move(columns));
}

void AddRow(const v1::Peer& peer, absl::Time now, bool with_topics, Table& table) {
  std::vector<Cell> row = {peer.id(),
                           peer.edge(),
                           peer.remote_address(),
                           Since(peer.connected_since_us(), now),
                           Since(peer.last_activity_us(), now),
                           RoundTrip(peer.rtt_us()),
                           QueueCell(peer.queued_bytes()),
                           HumaneCount(peer.topic_count()),
                           HumaneSize(peer.bytes_in()),
                           HumaneSize(peer.bytes_out()),
                           HumaneCount(peer.messages_in()),
                           HumaneCount(peer.messages_out()),
                           Dash(peer.dialect()),
                           Dash(peer.tls_version()),
                           Dash(peer.user_agent())};
  if (with_topics) row.push_back(Join(peer.topics()));
  table.Add(std::move(row));
}

Table ClosedPeerTable() {
  return Table({{"ID"},
                {"EDGE", kLeft, 6},
                {"ADDRESS", kLeft, 15},
                {"AGO", kRight},
                {"LASTED", kRight, 0, 1},
                {"CODE", kRight},
                {"REASON", kLeft, 15},
                {"BYTES IN", kRight, 0, 3},
                {"BYTES OUT", kRight, 0, 4},
                {"DIALECT", kLeft, 0, 5},
                {"AGENT", kLeft, 12, 2}});
}

void AddClosedRow(const v1::Peer& peer, absl::Time now, Table& table) {
  table.Add({peer.id(), peer.edge(), peer.remote_address(), Since(peer.closed_us(), now),
             Since(peer.connected_since_us(), absl::FromUnixMicros(peer.closed_us())),
             peer.close_code() == 0 ? "-" : std::to_string(peer.close_code()),
             Dash(peer.close_reason()), HumaneSize(peer.bytes_in()), HumaneSize(peer.bytes_out()),
             Dash(peer.dialect()), Dash(peer.user_agent())});
}

Table TopicTable() {
  return Table({{"TOPIC", kLeft, 24},
                {"SUBSCRIBERS", kRight},
                {"LANES", kRight, 0, 4},
                {"RELAYS/S", kRight},
                {"RELAYS", kRight, 0, 1},
                {"BYTES", kRight, 0, 2},
                {"LAST", kRight, 0, 3},
                {"AGE", kRight, 0, 5},
                {"RECORDS", kRight, 0, 6}});
}

void AddRow(const v1::Topic& topic, absl::Time now, Table& table) {
  table.Add({topic.name(), HumaneCount(topic.subscribers()), HumaneCount(topic.lanes()),
             HumaneRate(topic.relays_per_second()), HumaneCount(topic.relays()),
             HumaneSize(topic.bytes()), Since(topic.last_relay_us(), now),
             Since(topic.created_us(), now), HumaneCount(topic.records())});
}

Table EdgeTable() {
  return Table({{"EDGE", kLeft, 8},
                {"VERSION", kLeft, 0, 3},
                {"STATE", kLeft},
                {"UP", kRight},
                {"PEERS", kRight},
                {"LANES", kRight, 0, 4},
                {"IN", kRight, 0, 1},
                {"DELIVERED", kRight, 0, 2},
                {"BACKLOG", kRight},
                {"CERTIFICATE", kLeft}});
}

void AddRow(const v1::EdgeInfo& edge, absl::Time now, Table& table) {
  table.Add({edge.edge(), Dash(edge.version()),
             edge.draining() ? Cell("draining", Tone::kWarning) : Cell("serving", Tone::kGood),
             Since(edge.connected_since_us(), now), HumaneCount(edge.peers()),
             HumaneCount(edge.lanes()), HumaneCount(edge.messages_in()),
             HumaneCount(edge.frames_delivered()), HumaneSize(edge.backlog_bytes()),
             CertificateEnd(edge.tls_not_after_us(), now)});
}

Table CoreTable() {
  return Table({{"CORE", kLeft, 8},
                {"ID", kLeft, 0, 3},
                {"VERSION", kLeft, 0, 4},
                {"STATE", kLeft},
                {"UP", kRight},
                {"PEERS", kRight},
                {"EDGES", kRight, 0, 2},
                {"LANES", kRight, 0, 5},
                {"RELAYS/S", kRight},
                {"SILENT", kRight, 0, 1},
                {"BACKLOG", kRight, 0, 1},
                {"OPEN", kRight, 0, 6},
                {"RESENT", kRight, 0, 6},
                {"MEMORY", kRight, 0, 7}});
}

void AddRow(const v1::CoreInfo& core, absl::Time now, Table& table) {
  const v1::GetStatusResponse& status = core.status();
  const bool answers = core.has_status();
  const auto own = [answers](const std::string& text) { return answers ? text : "-"; };
  const auto link = [&core](const std::string& text) { return core.is_self() ? "-" : text; };
  const std::string past = HumaneDuration(absl::Microseconds(core.given_up_us()));
  const Cell state = !core.given_up().empty() ? Cell("given up " + past + " ago", Tone::kBad)
                     : !answers               ? Cell("no answer", Tone::kBad)
                     : status.draining()      ? Cell("draining", Tone::kWarning)
                     : core.is_self()         ? Cell("asked", Tone::kGood)
                     : !core.known() || !core.complete() ? Cell("joining", Tone::kWarning)
                                                         : Cell("up", Tone::kGood);
  table.Add({Dash(core.name()), core.core_id(), Dash(core.version()), state,
             own(Since(status.started_us(), now)), own(HumaneCount(status.peers())),
             own(HumaneCount(status.edges())), own(HumaneCount(status.lanes())),
             own(HumaneRate(status.relays_per_second())),
             link(HumaneDuration(absl::Microseconds(core.silent_us()))),
             link(HumaneSize(core.backlog_bytes())), link(HumaneCount(core.open_relays())),
             link(HumaneCount(core.resends())), own(HumaneSize(status.resident_bytes()))});
}

}  // namespace cairn::admin
