// Oracle: the checks after all faults are healed and all is quiet.
#include <absl/strings/str_format.h>

#include <bit>

#include "tests/sim/oracle.h"

namespace cairn::sim {

std::string Oracle::Describe(int number, const RelayRecord& relay) const {
  return absl::StrFormat("relay %d of client %d on lane %d to topic %d%s, accepted at %.6f s",
                         number, relay.client, relay.lane, relay.topic,
                         relay.to >= 0 ? absl::StrCat(" to client ", relay.to) : "",
                         static_cast<double>(relay.accepted) / kSecond);
}

// A record outlives its publisher's connection, but not the edge that keeps it.
void Oracle::CheckRecord(const core::Router& router, int client, int topic) {
  const Client& publisher = clients_[static_cast<size_t>(client)];
  const int relay = publisher.subs[static_cast<size_t>(topic)].record;
  if (relay < 0 || !lanes_[static_cast<size_t>(publisher.lane)].on) return;
  const core::RecordStore::Entries* entries = router.records().Find(absl::StrCat("t", topic));
  // If the topic is full, any publisher's record may have been dropped, and was counted.
  if (entries && entries->size() >= core::RecordLimits{}.max_per_topic) return;
  const std::string blob = absl::StrCat(relay, ":");
  for (auto entry = entries ? entries->begin() : core::RecordStore::Entries::const_iterator();
       entries && entry != entries->end(); ++entry) {
    if (entry->record.blob() == blob) return;
  }
  Fail(absl::StrCat("the core does not have client ", client, "'s last record of topic ", topic));
}

void Oracle::CheckRecords(const core::Router& router) {
  for (size_t i = 0; i < clients_.size(); ++i) {
    for (int topic = 0; topic < topics_; ++topic) CheckRecord(router, static_cast<int>(i), topic);
  }
}

void Oracle::CheckEverythingArrived(const core::Router& router) {
  for (size_t i = 0; i < relays_.size(); ++i) CheckRelay(static_cast<int>(i), relays_[i]);
  for (size_t i = 0; i < clients_.size(); ++i) {
    const Client& client = clients_[i];
    for (int topic = 0; topic < topics_; ++topic) CheckRecord(router, static_cast<int>(i), topic);
    for (int topic = 0; client.on && topic < topics_; ++topic) {
      const Sub& sub = client.subs[static_cast<size_t>(topic)];
      if (sub.on && !sub.in_force)
        Fail(absl::StrCat("the core does not know of client ", i, "'s subscription to topic ",
                          topic));
      if (sub.on && client.speaks == Speaks::kV2 && sub.answered_at < sub.asked_at)
        Fail(absl::StrCat("client ", i, "'s Subscribe was not answered: topic ", topic));
      if (sub.queries > 0)
        Fail(absl::StrCat("client ", i, "'s query was not answered: topic ", topic));
    }
  }
}

void Oracle::CheckRelay(int number, const RelayRecord& relay) {
  const LaneView& origin = lanes_[static_cast<size_t>(relay.lane)];
  const Client& sender = clients_[static_cast<size_t>(relay.client)];
  const bool may_be_lost = !origin.finished || relay.unsure;
  size_t nth = 0;
  for (Mask rest = relay.expected; rest != 0; rest &= rest - 1) {
    const int target = std::countr_zero(rest);
    const uint32_t instance = relay.instances[nth++];
    const Client& client = clients_[static_cast<size_t>(target)];
    const Sub& sub = client.subs[static_cast<size_t>(relay.topic)];
    if (relay.delivered & BitOf(target)) continue;
    if (!client.on || !sub.on || sub.instance != instance || may_be_lost) continue;
    const bool excused = (relay.excused & BitOf(target)) != 0;
    if (excused) ++coverage_.excused;
    if (excused && (client.speaks != Speaks::kV2 || sub.missed_at >= relay.accepted)) continue;
    if (OnlyTheEndedKnow(client.lane)) {
      ++coverage_.forgotten;
      continue;
    }
    return Fail(absl::StrCat("client ", target, " on lane ", client.lane,
                             excused ? " was not told that it missed " : " never got ",
                             Describe(number, relay)));
  }
  if (relay.wants_receipt && relay.receipts == 0 && sender.on && !relay.receipt_excused &&
      !relay.unsure)
    Fail("no receipt came for " + Describe(number, relay));
}

void Oracle::CheckEmpty(core::Router& router) {
  const core::Directory& directory = router.directory();
  const auto expect_none = [this](size_t count, const char* what) {
    if (count != 0) Fail(absl::StrCat(count, " ", what, " are left after everybody has left"));
  };
  expect_none(directory.topics().size(), "topics");
  expect_none(directory.peer_ids().size(), "peers");
  expect_none(directory.subscription_count(), "subscriptions");
  expect_none(router.held_queries(), "held queries");
  expect_none(router.hold().cost(), "bytes of held relays");
  expect_none(router.late().cost(), "bytes of relays for late lanes");
  for (const auto& [id, lane] : directory.lanes()) {
    expect_none(lane->ledger.owed(), "deliveries that a lane owes an answer for");
    expect_none(lane->ledger.open() ? 1 : 0, "relays that are not settled");
    expect_none(lane->ledger.untold(), "settled relays that a lane was not told of");
    expect_none(lane->channel->cost(), "bytes in a lane's channel");
  }
}

}  // namespace cairn::sim
