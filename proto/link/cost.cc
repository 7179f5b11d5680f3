#include "proto/link/cost.h"

namespace cairn::link {

using namespace signaling::v1;  // NOLINT(google-build-using-namespace): nothing but its messages

namespace {

// An item of a repeated field: its pointer and its allocation, including the heap's overhead.
constexpr size_t kItem = 32;
// A string that does not fit into its header.
constexpr size_t kString = 48;

size_t CostOf(const std::string& text) { return text.empty() ? 0 : kString + text.size(); }

// Of a relay, which sets an empty string too, so that no relay costs less than its memory.
size_t CostOfSet(const std::string& text) {
  return text.empty() ? sizeof(std::string) : CostOf(text);
}

size_t CostOf(const Record& record) {
  size_t cost = kItem + sizeof(Record) + CostOf(record.peer_id()) + CostOf(record.blob()) +
                CostOf(record.source());
  for (const std::string& address : record.addresses()) cost += kItem + CostOf(address);
  return cost;
}

size_t CostOf(const PeerInfo& info) {
  return kItem + sizeof(PeerInfo) + CostOf(info.remote_address()) + CostOf(info.user_agent()) +
         CostOf(info.tls_version());
}

size_t CostOf(const LaneStats& stats) {
  const int names = stats.closes_size() + stats.drops_size();
  return kItem + sizeof(LaneStats) +
         static_cast<size_t>(names) * (kItem + sizeof(NamedCount) + kString);
}

template <typename Items>
size_t Sum(const Items& items) {
  size_t cost = 0;
  for (const auto& item : items) cost += link::CostOf(item);
  return cost;
}

}  // namespace

size_t CostOf(const LaneEvent& event) {
  size_t cost = kItem + sizeof(LaneEvent) + CostOfSet(event.topic()) + CostOfSet(event.payload()) +
                CostOf(event.close_reason());
  if (event.has_info()) cost += CostOf(event.info());
  if (event.has_stats()) cost += kItem + sizeof(PeerStats) + kString;
  if (event.has_record()) cost += CostOf(event.record());
  return cost;
}

size_t CostOf(const Delivery& delivery) {
  return kItem + sizeof(Delivery) + CostOfSet(delivery.topic()) + CostOfSet(delivery.payload());
}

size_t CostOf(const Notice& notice) { return kItem + sizeof(Notice) + CostOf(notice.topic()); }

size_t CostOf(const Answer& answer) {
  size_t cost = kItem + sizeof(Answer) + CostOf(answer.topic());
  for (const Record& record : answer.records()) cost += CostOf(record);
  return cost;
}

size_t CostOf(const Command& command) {
  return kItem + sizeof(Command) + CostOf(command.close_reason()) +
         CostOf(command.log_directives());
}

size_t CostOf(const LaneToCore& message) {
  return Sum(message.events()) + (message.has_stats() ? CostOf(message.stats()) : 0);
}

size_t CostOf(const CoreToLane& message) {
  return Sum(message.deliveries()) + Sum(message.notices()) + Sum(message.answers()) +
         Sum(message.commands()) +
         static_cast<size_t>(message.settled_size() + message.roster().lanes_size() +
                             message.roster().links_size()) *
             sizeof(uint64_t);
}

}  // namespace cairn::link
