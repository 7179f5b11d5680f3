// MeshWorld: after all faults are healed, lanes that connect, leave and move while one core does
// not receive another's messages: orders of events that random faults rarely produce.
#include <absl/strings/str_cat.h>

#include "base/check.h"
#include "tests/sim/mesh_world.h"

namespace cairn::sim {

SimLane& MeshWorld::NewLaneAt(size_t core) {
  // It connects at once.
  goes_to_[static_cast<int>(lanes_.size())] = core;
  SimLane& lane = AddLane(absl::StrCat("edge ", ++edges_), 0);
  CAIRN_CHECK(goes_to_.contains(lane.number()));
  return lane;
}

void MeshWorld::GoTo(SimLane& lane, size_t core) {
  goes_to_[lane.number()] = core;
  if (!cores_[core].host->router().directory().FindLane(lane.lane().identity().lane_id))
    MoveLane(lane);
}

bool MeshWorld::PlayMoves() {
  if (cores_.size() < 3) return true;
  const size_t deaf = faults_.Below(cores_.size());
  const size_t unheard = (deaf + 1) % cores_.size(), third = (deaf + 2) % cores_.size();
  const bool played =
      faults_.Chance(50) ? JoinUnheard(deaf, unheard, third) : LeaveUnheard(deaf, unheard, third);
  net_.HealAll();
  goes_to_.clear();
  return played && RunUntilQuiet(timeline_.now() + QuietTime());
}

// A core starts that gets no messages of another, and learns of that one's lanes from a third. A
// new edge, which knows none of the lanes, relays to their clients.
bool MeshWorld::JoinUnheard(size_t deaf, size_t unheard, size_t third) {
  if (people_.size() >= kMaxClients) return true;
  for (const auto& lane : lanes_) {
    if (lane->alive()) GoTo(*lane, faults_.Chance(60) ? unheard : third);
  }
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  if (!RunUntilQuiet(timeline_.now() + QuietTime())) return false;
  cores_[deaf].host->Kill();
  net_.Part(deaf, unheard);
  net_.Part(unheard, deaf);
  StartCore(deaf);
  // By then the new core accepts lanes.
  if (!RunUntil(timeline_.now() + 2'500 * kMs)) return false;
  const Person person = AddPerson(NewLaneAt(deaf), Speaks::kNative, actions_.Next() | 1);
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  for (int topic = 0; topic < plan_.topics; ++topic) Relay(person, topic, -1, false);
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  net_.HealAll();
  if (!RunUntilQuiet(timeline_.now() + QuietTime())) return false;
  oracle_.CheckEverythingArrived(cores_[deaf].host->router());
  return failure().empty();
}

// A core's messages about a lane arrive after those of the lane's next core, and after the lane has
// left: peers that have left are not counted.
bool MeshWorld::LeaveUnheard(size_t deaf, size_t unheard, size_t third) {
  if (people_.size() + 2 > kMaxClients) return true;
  const Person asking = AddPerson(NewLaneAt(deaf), Speaks::kV2, actions_.Next() | 1);
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  net_.Part(unheard, deaf);
  SimLane& leaving = NewLaneAt(unheard);
  const Person gone = AddPerson(leaving, Speaks::kV2, actions_.Next() | 1);
  Ask(gone, "gone");
  if (!RunUntil(timeline_.now() + 200 * kMs)) return false;
  GoTo(leaving, third);
  if (!RunUntil(timeline_.now() + 300 * kMs)) return false;
  leaving.Drain();
  if (!RunUntil(timeline_.now() + 400 * kMs)) return false;
  const bool has_left = !leaving.alive();
  net_.HealAll();
  if (!RunUntil(timeline_.now() + 2 * kSecond)) return false;
  gone_ = 0;
  Ask(asking, "gone");
  // Until a lane that could not send its goodbye has ended, too.
  if (!RunUntil(timeline_.now() + 1'500 * kMs)) return false;
  if (has_left && gone_ != 0) oracle_.Fail("a client is counted whose lane has left");
  return failure().empty();
}

// A core starts that knows of other cores, but gets their snapshots late. A new edge, which knows
// none of their lanes, connects to it and relays to their clients.
bool MeshWorld::JoinSlowly() {
  if (people_.size() >= kMaxClients) return true;
  const size_t slow = faults_.Below(cores_.size());
  const size_t other = (slow + 1) % cores_.size();
  for (const auto& lane : lanes_) {
    if (lane->alive()) GoTo(*lane, other);
  }
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  if (!RunUntilQuiet(timeline_.now() + QuietTime())) return false;
  cores_[slow].host->Kill();
  StartCore(slow);
  const Time start = timeline_.now();
  const core::Router& router = cores_[slow].host->router();
  while (router.mesh()->members().size() + 1 < cores_.size() && timeline_.now() < start + kSecond) {
    if (!RunUntil(timeline_.now() + 10)) return false;
  }
  for (size_t core = 0; core < cores_.size(); ++core) {
    if (core != slow) net_.Part(core, slow);
  }
  const Person person = AddPerson(NewLaneAt(slow), Speaks::kNative, actions_.Next() | 1);
  if (!RunUntil(timeline_.now() + 900 * kMs)) return false;
  for (int topic = 0; topic < plan_.topics; ++topic) Relay(person, topic, -1, false);
  net_.HealAll();
  goes_to_.clear();
  if (!RunUntilQuiet(timeline_.now() + QuietTime())) return false;
  oracle_.CheckEverythingArrived(cores_[slow].host->router());
  return failure().empty();
}

bool MeshWorld::PlayRelays() {
  if (cores_.size() < 3 || people_.size() + 3 > kMaxClients || !faults_.Chance(30)) return true;
  const size_t last = faults_.Below(cores_.size());
  const size_t next = (last + 1) % cores_.size(), other = (last + 2) % cores_.size();
  const bool played =
      faults_.Chance(50) ? SpeakLate(last, next, other) : MoveUnheard(last, next, other);
  net_.HealAll();
  goes_to_.clear();
  return played && RunUntilQuiet(timeline_.now() + QuietTime());
}

// A sender's last core learned of a subscriber at another core only before the sender's last relay,
// and sent that one alone. It arrives when the sender has sent its snapshot to the next core, which
// has not got the relays yet.
bool MeshWorld::SpeakLate(size_t last, size_t next, size_t other) {
  SimLane& moving = NewLaneAt(last);
  const Person sender = NewNativeAt(moving);
  const Person listener = NewNativeAt(NewLaneAt(other));
  // The last core cannot settle the relay to this client: it is resent.
  const Person keeper = NewNativeAt(NewLaneAt(next));
  listens_ = listener.client->number();
  Ask(listener, "told");
  Ask(keeper, "untold");
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  for (const size_t core : {next, other}) {
    net_.Part(last, core);
    net_.Part(core, last);
  }
  Ask(listener, "untold");
  if (!RunUntil(timeline_.now() + 200 * kMs)) return false;
  // After this relay, the message with the end of the snapshot has no room for more.
  Speak(sender, "untold", std::string(64 << 10, '0'));
  Speak(sender, "untold", "1");
  Speak(sender, "told", "2");
  if (!RunUntil(timeline_.now() + 200 * kMs)) return false;
  // Hello and that message arrive; the next message arrives 5 s later.
  moving.weather.slow = 10 * kMs;
  moving.FreezeNext(2, 5 * kSecond);
  GoTo(moving, next);
  if (!AwaitLane(moving, next)) return failure().empty();
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  return ExpectHeard("012");
}

// A sender's core is not told to which core a lane has moved, and sends a relay for it to the
// lane's last core.
bool MeshWorld::MoveUnheard(size_t last, size_t next, size_t other) {
  const Person sender = NewNativeAt(NewLaneAt(other));
  SimLane& moving = NewLaneAt(last);
  const Person listener = NewNativeAt(moving);
  listens_ = listener.client->number();
  Ask(listener, "told");
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  net_.Part(next, other);
  GoTo(moving, next);
  if (!AwaitLane(moving, next)) return failure().empty();
  if (!RunUntil(timeline_.now() + 500 * kMs)) return false;
  Speak(sender, "told", "1");
  if (!RunUntil(timeline_.now() + 500 * kMs)) return false;
  return ExpectHeard("1");
}

MeshWorld::Person MeshWorld::NewNativeAt(SimLane& lane) {
  return AddPerson(lane, Speaks::kNative, actions_.Next() | 1);
}

bool MeshWorld::AwaitLane(SimLane& lane, size_t core) {
  const uint64_t id = lane.lane().identity().lane_id;
  for (const Time end = timeline_.now() + 3 * kSecond; timeline_.now() < end;) {
    const core::LaneRecord* there = cores_[core].host->router().directory().FindLane(id);
    if (there && there->state != core::LaneState::kSyncing) return true;
    if (!RunUntil(timeline_.now() + 10 * kMs)) return false;
  }
  return false;  // it has not noticed that its stream was cut
}

bool MeshWorld::ExpectHeard(const std::string& payloads) {
  net_.HealAll();
  if (!RunUntilQuiet(timeline_.now() + QuietTime())) return false;
  if (heard_ != payloads)
    oracle_.Fail(absl::StrCat("a client got relays ", heard_, ", not ", payloads));
  return failure().empty();
}

void MeshWorld::Speak(const Person& person, const std::string& topic, const std::string& payload) {
  person.lane->Ask(*person.client, [person, topic, payload] {
    wire::Message message;
    message.kind = wire::MessageKind::kRelay;
    message.topic = topic;
    message.payload = payload;
    person.lane->lane().Relay(person.client->member, message, 0);
  });
}

void MeshWorld::Ask(const Person& person, const std::string& topic) {
  person.lane->Ask(*person.client, [person, topic] {
    person.lane->lane().Subscribe(person.client->member, topic);
  });
}

}  // namespace cairn::sim
