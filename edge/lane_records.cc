// Lane: records that clients publish, and the queries that wait for them.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/peer_id.h"
#include "edge/lane.h"
#include "proto/wire/ws_encoder.h"

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
  if (const auto address = SocketAddress::Parse(member->facts.remote_address); address.ok())
    record.set_source(address->Network());
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
  if (member->queries.size() >= limits_.max_held_queries) return SendResult(member, topic, {}, 1);
  std::string name(topic);
  // The core sends one answer, however often it is asked meanwhile.
  if (member->told && !Waits(*member, name)) {
    Tell(LaneEvent::KIND_QUERIED, member->peer,
         [&](LaneEvent& event) { FillQuery(*member, name, event); });
  }
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
    if (!Waits(*member, topic) && member->told) {
      Tell(LaneEvent::KIND_QUERY_ENDED, member->peer,
           [&](LaneEvent& event) { event.set_topic(topic); });
    }
    SendResult(member, topic, {}, 1);
  }
}

bool Lane::Waits(const Member& member, std::string_view topic) {
  return std::any_of(member.queries.begin(), member.queries.end(),
                     [&](const WaitingQuery& query) { return query.topic == topic; });
}

void Lane::FillQuery(const Member& member, const std::string& topic, LaneEvent& event) {
  event.set_topic(topic);
  event.set_max_answer_bytes(static_cast<uint32_t>(wire::MaxResultBytes(member.facts.user_agent)));
}

void Lane::OnAnswer(const signaling::v1::Answer& answer) {
  const auto it = members_.find(answer.peer());
  if (it == members_.end()) return;
  // A client that has asked more than once gets as many answers.
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
  for (uint32_t i = 0; i < answer.left_out(); ++i) counters_.Count(DropReason::kResultCut);
  SendResult(it->second.get(), answer.topic(), records, asked);
}

void Lane::SendResult(Member* member, std::string_view topic,
                      const std::vector<wire::PublishedRecord>& records, size_t times) {
  const wire::JsonResult result = wire::WriteJsonResult(
      topic, records, member->plain_addresses, wire::MaxResultBytes(member->facts.user_agent));
  for (size_t i = 0; i < result.left_out; ++i) counters_.Count(DropReason::kResultCut);
  std::string frame;
  wire::AppendWsFrame(wire::WsOpcode::kText, result.text, frame);
  work_ += times * AnswerWork(frame.size());
  member->client->Charge(times * DeliveryWork(frame.size()));
  for (size_t i = 0; i < times; ++i) {
    member->client->Deliver(frame);
    counters_.CountOut(MessageForm::kJson, frame.size());
  }
}

}  // namespace cairn::edge
