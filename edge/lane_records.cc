// Lane: records that clients publish, and who waits for them.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/peer_id.h"
#include "edge/lane.h"

namespace cairn::edge {

using signaling::v1::LaneEvent;

void Lane::Publish(const Member* member, std::string_view topic,
                   const wire::PublishedRecord& published) {
  signaling::v1::Record record;
  record.set_connection(member->peer);
  record.set_peer_id(published.peer_id);
  record.set_blob(published.blob);
  for (const std::string& address : published.addresses) record.add_addresses(address);
  record.set_ttl_us(absl::ToInt64Microseconds(limits_.record_ttl));
  if (link_->can_break())
    records_.Keep(topic, record, clock_.Elapsed(), next_seq_, member->facts.proof);
  Tell(LaneEvent::KIND_PUBLISHED, member->peer, [&](LaneEvent& event) {
    event.mutable_topic()->assign(topic);
    event.set_payload(wire::BlobOf(published));
    event.set_proof(member->facts.proof);
    event.set_seq(next_seq_++);
    event.set_read_us(read_us_);
    event.mutable_record()->Swap(&record);
  });
}

void Lane::Query(Member* member, std::string_view topic) {
  if (member->queries.size() >= limits_.max_held_queries) return SendResult(member, topic, {});
  std::string name(topic);
  if (member->told)
    Tell(LaneEvent::KIND_QUERIED, member->peer, [&](LaneEvent& event) { event.set_topic(name); });
  const absl::Duration until = clock_.Elapsed() + limits_.query_hold;
  due_.push_back({until, member->peer});
  member->queries.push_back({until, std::move(name)});
}

void Lane::EndQueries() {
  const absl::Duration now = clock_.Elapsed();
  for (; !due_.empty() && due_.front().at <= now; due_.pop_front()) {
    const auto it = members_.find(due_.front().peer);
    if (it != members_.end()) EndQueries(it->second.get(), now);
  }
}

void Lane::EndQueries(Member* member, absl::Duration now) {
  std::vector<WaitingQuery>& queries = member->queries;
  while (!queries.empty() && queries.front().until <= now) {
    const std::string topic = std::move(queries.front().topic);
    queries.erase(queries.begin());
    const bool waits_on =
        std::any_of(queries.begin(), queries.end(),
                    [&](const WaitingQuery& query) { return query.topic == topic; });
    if (!waits_on && member->told) {
      Tell(LaneEvent::KIND_QUERY_ENDED, member->peer,
           [&](LaneEvent& event) { event.set_topic(topic); });
    }
    SendResult(member, topic, {});
  }
}

void Lane::OnAnswer(const signaling::v1::Answer& answer) {
  const auto it = members_.find(answer.peer());
  if (it == members_.end()) return;
  // Who has asked more than once is answered as often.
  const size_t asked = std::erase_if(it->second->queries, [&](const WaitingQuery& query) {
    return query.topic == answer.topic();
  });
  if (asked == 0) return;
  std::vector<wire::PublishedRecord> records;
  for (const signaling::v1::Record& record : answer.records()) {
    wire::PublishedRecord& published = records.emplace_back();
    published.peer_id = record.peer_id().empty() ? FormatId(record.connection()) : record.peer_id();
    published.blob = record.blob();
    published.addresses.assign(record.addresses().begin(), record.addresses().end());
  }
  for (size_t i = 0; i < asked; ++i) SendResult(it->second.get(), answer.topic(), records);
}

void Lane::SendResult(Member* member, std::string_view topic,
                      const std::vector<wire::PublishedRecord>& records) {
  const wire::JsonResult result = wire::WriteJsonResult(
      topic, records, member->plain_addresses, wire::MaxResultBytes(member->facts.user_agent));
  for (size_t i = 0; i < result.left_out; ++i) counters_.Count(DropReason::kResultCut);
  counters_.CountOut(MessageForm::kJson, member->client->Send(wire::WsOpcode::kText, result.text));
}

}  // namespace cairn::edge
