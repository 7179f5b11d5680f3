// MeshWorld: what clients of several cores do after all faults are healed, when every answer is
// known.
#include <absl/strings/str_cat.h>

#include "tests/sim/mesh_world.h"

namespace cairn::sim {

// These topics are not the oracle's.
bool MeshWorld::OnSceneFrame(int client, const Frame& frame) {
  if (frame.topic == "meet") {
    if (frame.name == "Subscribed") counted_ += frame.number;
    if (frame.name == "Joined") ++joined_;
    return true;
  }
  if (frame.topic == "gone") {
    if (frame.name == "Subscribed") gone_ += frame.number;
    return true;
  }
  if (frame.topic == "told" || frame.topic == "untold") {
    if (client == listens_) heard_ += frame.payload.substr(0, 1);
    return true;
  }
  if (frame.topic != "held") return false;
  found_ = found_ || frame.payload.find("publisher of held") != std::string_view::npos;
  return true;
}

// All subscribe at once: of every two clients, one is counted in the other's answer, and gets
// Joined for the other.
bool MeshWorld::Meet() {
  uint64_t clients = 0;
  for (const Person& person : people_) {
    if (person.speaks != Speaks::kV2 || !person.lane->alive() || !person.client->member) continue;
    ++clients;
    timeline_.After(actions_.Between(0, 2 * net_.max_delay), [person] {
      person.lane->Ask(*person.client,
                       [person] { person.lane->lane().Subscribe(person.client->member, "meet"); });
    });
  }
  if (!RunUntil(timeline_.now() + 2 * net_.max_delay + kMs)) return false;
  if (!RunUntilQuiet(timeline_.now() + 10 * kSecond)) return false;
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  const uint64_t pairs = clients * (clients - 1) / 2;
  if (clients > 0 && (counted_ != pairs || joined_ != pairs))
    oracle_.Fail(absl::StrCat(clients, " clients subscribed at once: ", counted_, " counted and ",
                              joined_, " told, not ", pairs));
  return failure().empty();
}

// One client waits for a record, and another publishes it.
bool MeshWorld::FindHeldRecord() {
  std::vector<const Person*> all;
  for (const Person& person : people_) {
    if (person.speaks == Speaks::kRecords && person.lane->alive() && person.client->member)
      all.push_back(&person);
  }
  if (all.size() < 2) return true;
  const Person asking = *all.front(), publishing = *all.back();
  asking.lane->Ask(*asking.client,
                   [asking] { asking.lane->lane().Query(asking.client->member, "held"); });
  timeline_.After(actions_.Between(0, 300 * kMs), [publishing] {
    publishing.lane->Ask(*publishing.client, [publishing] {
      wire::PublishedRecord record;
      record.peer_id = "publisher of held";
      record.blob = "here";
      publishing.lane->lane().Publish(publishing.client->member, "held", record);
    });
  });
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  if (!found_) oracle_.Fail("a query that was held did not get the record");
  return failure().empty();
}

}  // namespace cairn::sim
