// World: what clients do.
#include <absl/strings/str_cat.h>

#include "base/peer_id.h"
#include "tests/sim/world.h"

namespace cairn::sim {

void World::NewClient() {
  SimLane* lane = AnyLane();
  if (!lane || people_.size() >= kMaxClients || lane->draining()) return;
  const uint64_t proof = actions_.Next() | 1;
  const uint64_t kind = actions_.Below(10);
  const Speaks speaks = kind < 5 ? Speaks::kV2 : kind < 8 ? Speaks::kNative : Speaks::kRecords;
  SimClient* client = lane->Join(proof, speaks);
  people_.push_back({lane, client, speaks, lane->PeerOf(proof)});
  for (int topic = 0; topic < plan_.topics; ++topic) {
    if (speaks != Speaks::kRecords && actions_.Chance(70)) Subscribe(*lane, *client, topic);
  }
  timeline_.After(actions_.Scaled(kMs, plan_.action_interval),
                  [this, lane, client, speaks] { Act(*lane, *client, speaks); });
}

void World::Act(SimLane& lane, SimClient& client, Speaks speaks) {
  if (!acting() || !lane.alive()) return;
  timeline_.After(actions_.Scaled(kMs, 2 * plan_.action_interval),
                  [this, &lane, &client, speaks] { Act(lane, client, speaks); });
  if (!client.member || client.asked.size() > 500) return;
  if (actions_.Below(1'000) < 4) {
    NewClient();
    return lane.Ask(client, [&lane, &client] { lane.Leave(client); });
  }
  switch (speaks) {
    case Speaks::kNative:
      return ActNative(lane, client);
    case Speaks::kV2:
      return ActV2(lane, client);
    case Speaks::kRecords:
      return ActRecords(lane, client);
  }
}

void World::ActNative(SimLane& lane, SimClient& client) {
  const uint64_t what = actions_.Below(100);
  if (what < 8) return Subscribe(lane, client, AnyTopic());
  if (what < 14) return Unsubscribe(lane, client, AnyTopic());
  Relay(lane, client, AnyTopic(), -1, false, actions_.Between(8, plan_.max_payload));
}

void World::ActV2(SimLane& lane, SimClient& client) {
  const uint64_t what = actions_.Below(100);
  if (what < 8) return Subscribe(lane, client, AnyTopic());
  if (what < 14) return Unsubscribe(lane, client, AnyTopic());
  const int to = what < 35 ? static_cast<int>(actions_.Below(people_.size())) : -1;
  Relay(lane, client, AnyTopic(), to, actions_.Chance(50), actions_.Between(8, plan_.max_payload));
}

void World::ActRecords(SimLane& lane, SimClient& client) {
  actions_.Chance(60) ? Publish(lane, client, AnyTopic()) : Query(lane, client, AnyTopic());
}

void World::Relay(SimLane& lane, SimClient& client, int topic, int to, bool receipt, int64_t size) {
  lane.Ask(client, [this, &lane, &client, topic, to, receipt, size] {
    const int number = oracle_.Relay(client.number(), topic, to, receipt);
    std::string payload = absl::StrCat(number, ":");
    payload.resize(std::max(payload.size(), static_cast<size_t>(size)), '.');
    const std::string name = absl::StrCat("t", topic);
    wire::Message message;
    message.kind = wire::MessageKind::kRelay;
    message.topic = name;
    message.payload = payload;
    if (receipt) message.receipt_id = static_cast<uint64_t>(number);
    trace_.Say("client ", client.number(), " relays ", number, " to topic ", topic,
               to < 0 ? std::string() : absl::StrCat(", client ", to));
    lane.lane().Relay(client.member, message, to < 0 ? 0 : people_[static_cast<size_t>(to)].peer);
  });
}

void World::Subscribe(SimLane& lane, SimClient& client, int topic) {
  lane.Ask(client, [this, &lane, &client, topic] {
    const std::string name = absl::StrCat("t", topic);
    trace_.Say("client ", client.number(), " subscribes to topic ", topic);
    oracle_.Subscribed(client.number(), topic);
    lane.lane().Subscribe(client.member, name);
  });
}

void World::Unsubscribe(SimLane& lane, SimClient& client, int topic) {
  lane.Ask(client, [this, &lane, &client, topic] {
    trace_.Say("client ", client.number(), " unsubscribes from topic ", topic);
    oracle_.Unsubscribed(client.number(), topic);
    lane.lane().Unsubscribe(client.member, absl::StrCat("t", topic));
  });
}

void World::Publish(SimLane& lane, SimClient& client, int topic) {
  lane.Ask(client, [this, &lane, &client, topic] {
    const int number = oracle_.Relay(client.number(), topic, -1, false);
    trace_.Say("client ", client.number(), " publishes ", number, " to topic ", topic);
    oracle_.Published(client.number(), topic, number);
    wire::PublishedRecord record;
    record.peer_id = absl::StrCat("publisher ", client.number());
    record.blob = absl::StrCat(number, ":");
    lane.lane().Publish(client.member, absl::StrCat("t", topic), record);
  });
}

void World::Query(SimLane& lane, SimClient& client, int topic) {
  lane.Ask(client, [this, &lane, &client, topic] {
    oracle_.Queried(client.number(), topic);
    lane.lane().Query(client.member, absl::StrCat("t", topic));
  });
}

}  // namespace cairn::sim
