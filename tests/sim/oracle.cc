#include "tests/sim/oracle.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "proto/link/timing.h"

namespace cairn::sim {
namespace {

constexpr Time kPatience = link::kReturnPatience.count() * kMs;

}  // namespace

Oracle::Oracle(const Timeline& timeline, Trace& trace, Coverage& coverage, int topics)
    : timeline_(timeline), trace_(trace), coverage_(coverage), topics_(topics) {}

void Oracle::Fail(const std::string& what) {
  if (!failure_.empty()) return;
  failure_ = what;
  trace_.Say("FAILED: ", what);
}

int Oracle::TopicOf(std::string_view name) const {
  return name.size() == 2 && name[0] == 't' && name[1] - '0' < topics_ ? name[1] - '0' : -1;
}

// ---- actions

int Oracle::AddClient(uint64_t peer, Speaks speaks, int lane) {
  Client& client = clients_.emplace_back(Client{peer, speaks, lane, true, {}});
  client.subs.resize(static_cast<size_t>(topics_));
  for (Sub& sub : client.subs) sub.last.resize(kMaxClients, -1);
  return static_cast<int>(clients_.size()) - 1;
}

void Oracle::Left(int client) {
  Client& leaver = clients_[static_cast<size_t>(client)];
  if (!leaver.on) return;
  leaver.on = false;
  for (int topic = 0; topic < topics_; ++topic) Unsubscribed(client, topic);
}

void Oracle::Subscribed(int client, int topic) {
  Sub& sub = clients_[static_cast<size_t>(client)].subs[static_cast<size_t>(topic)];
  ++sub.asks;
  sub.asked_at = timeline_.now();
  if (sub.on) return;
  sub.on = true;
  ++sub.instance;
  sub.in_force = false;
  // Messages of an earlier subscription may still be in flight.
  sub.certain = sub.instance == 1;
  pending_.push_back({client, topic});
}

void Oracle::Unsubscribed(int client, int topic) {
  Sub& sub = clients_[static_cast<size_t>(client)].subs[static_cast<size_t>(topic)];
  sub.on = sub.in_force = false;
  std::erase_if(pending_,
                [&](const Pending& one) { return one.client == client && one.topic == topic; });
}

int Oracle::Relay(int client, int topic, int to, bool wants_receipt) {
  const int number = static_cast<int>(relays_.size());
  RelayRecord& relay = relays_.emplace_back();
  relay.client = client;
  relay.topic = topic;
  relay.to = to;
  relay.lane = clients_[static_cast<size_t>(client)].lane;
  relay.accepted = timeline_.now();
  relay.wants_receipt = wants_receipt;
  for (int other = 0; other < static_cast<int>(clients_.size()); ++other) {
    const Sub& sub = clients_[static_cast<size_t>(other)].subs[static_cast<size_t>(topic)];
    if (other == client || !sub.in_force || (to >= 0 && to != other)) continue;
    relay.expected |= BitOf(other);
    relay.instances.push_back(sub.instance);
    ++coverage_.expected;
  }
  ++coverage_.relays;
  return number;
}

void Oracle::Published(int client, int topic, int relay) {
  clients_[static_cast<size_t>(client)].subs[static_cast<size_t>(topic)].record = relay;
}

void Oracle::Queried(int client, int topic) {
  ++clients_[static_cast<size_t>(client)].subs[static_cast<size_t>(topic)].queries;
}

// ---- frames

void Oracle::Received(int client, std::string_view bytes) {
  const Frame frame = ReadFrame(bytes);
  if (on_frame && on_frame(client, frame)) return;
  if (frame.name == "Relay") return OnRelayFrame(client, frame);
  if (frame.name == "Receipt") return OnReceipt(client, frame.number);
  const int topic = TopicOf(frame.topic);
  if (topic < 0) return Fail(absl::StrCat("client ", client, " got a frame that nobody meant"));
  Client& receiver = clients_[static_cast<size_t>(client)];
  Sub& sub = receiver.subs[static_cast<size_t>(topic)];
  if (frame.name == "result") {
    ++coverage_.results;
    if (--sub.queries < 0) Fail(absl::StrCat("client ", client, " got a result too many"));
    return;
  }
  if (receiver.speaks != Speaks::kV2)
    return Fail(absl::StrCat("client ", client, " got what only v2 has"));
  if (!sub.on)
    return Fail(absl::StrCat("client ", client, " was told of a topic it is not subscribed to"));
  if (frame.name == "Subscribed") {
    ++coverage_.answers;
    sub.answered_at = timeline_.now();
    if (++sub.answers > sub.asks)
      Fail(absl::StrCat("client ", client, " got more answers than it asked for: topic ", topic));
  } else if (frame.name == "Missed") {
    sub.missed_at = timeline_.now();
  }
}

void Oracle::OnRelayFrame(int client, const Frame& frame) {
  int number = -1;
  std::from_chars(frame.payload.data(), frame.payload.data() + frame.payload.size(), number);
  if (number < 0 || number >= static_cast<int>(relays_.size()))
    return Fail(absl::StrCat("client ", client, " got a relay that nobody sent"));
  RelayRecord& relay = relays_[static_cast<size_t>(number)];
  Sub& sub = clients_[static_cast<size_t>(client)].subs[static_cast<size_t>(relay.topic)];
  const auto fail = [&](std::string_view what) {
    Fail(absl::StrCat("client ", client, " ", absl::string_view(what.data(), what.size()), ": ",
                      Describe(number, relay)));
  };
  ++coverage_.delivered;
  if (relay.topic != TopicOf(frame.topic)) return fail("got a relay under another topic");
  if (relay.client == client) return fail("got its own relay");
  if (relay.delivered & BitOf(client)) return fail("got a relay twice");
  relay.delivered |= BitOf(client);
  if (relay.to >= 0 ? relay.to != client : !sub.on) return fail("got a relay that is not for it");
  int& last = sub.last[static_cast<size_t>(relay.client)];
  if (last > number) return fail(absl::StrCat("got a relay after a later one (", last, ")"));
  last = number;
}

void Oracle::OnReceipt(int client, uint64_t id) {
  ++coverage_.receipts;
  if (id >= relays_.size() || relays_[id].client != client || !relays_[id].wants_receipt)
    return Fail(absl::StrCat("client ", client, " got a receipt that it did not ask for"));
  if (++relays_[id].receipts > 1)
    Fail(absl::StrCat("a receipt came twice: ", Describe(static_cast<int>(id), relays_[id])));
}

// ---- lanes

int Oracle::AddLane(uint64_t lane_id) {
  lanes_.push_back({lane_id, true, true, 0});
  return static_cast<int>(lanes_.size()) - 1;
}

void Oracle::LaneEnded(int lane, bool finished) {
  LaneView& view = lanes_[static_cast<size_t>(lane)];
  view.on = false;
  view.finished = finished;
}

void Oracle::LaneIdle(int lane) {
  for (const Pending& one : pending_) {
    Client& client = clients_[static_cast<size_t>(one.client)];
    if (client.lane == lane) client.subs[static_cast<size_t>(one.topic)].certain = true;
  }
}

void Oracle::Unsure(int lane, uint64_t relays) {
  coverage_.unsure += relays;
  for (RelayRecord& relay : relays_) relay.unsure = relay.unsure || relay.lane == lane;
}

// ---- the core

void Oracle::CoreStarted() {
  ++coverage_.cores;
  for (LaneView& lane : lanes_) lane.link = lane.untold = 0;
  lanes_key_ = 0;
  roster_version_ = lanes_late_ = 0;
  late_.clear();
  first_return_ = -1;
  named_.clear();
  // A core that has just started has no earlier subscriptions.
  for (const Pending& one : pending_)
    clients_[static_cast<size_t>(one.client)].subs[static_cast<size_t>(one.topic)].certain = true;
}

void Oracle::HelloSaid(const core::Router& router, const signaling::v1::Hello& hello) {
  if (hello.core_id() == 0 || hello.core_id() == router.core_id()) return;
  // It has routed relays without the lanes that are named now.
  if (!router.hold().holding() && router.counters().relays > 0) return;
  if (first_return_ < 0) first_return_ = timeline_.now();
  for (const auto* lanes : {&hello.roster().lanes(), &hello.roster().awaited()}) {
    for (const uint64_t lane : *lanes) {
      if (!router.directory().lanes().contains(lane)) named_.insert(lane);
    }
  }
}

void Oracle::CoreHandled(core::Router& router, const CoreHost::OpenedLane& opened) {
  LookForLostLanes(router, opened);
  LookForLateLanes(router);
  LookAtWhatIsSettled(router);
  if (pending_.empty()) return;
  LookForSubscriptions([&router](uint64_t id, const std::string& name) {
    const core::PeerRecord* peer = router.directory().Peer(id);
    const core::TopicRecord* topic = peer ? router.directory().Topic(name) : nullptr;
    return topic && peer->topics.contains(const_cast<core::TopicRecord*>(topic));
  });
}

void Oracle::LookForLostLanes(core::Router& router, const CoreHost::OpenedLane& opened) {
  const core::RouterCounters& counters = router.counters();
  uint64_t key = router.directory().lanes().size() << 32;
  for (const uint64_t ended : counters.lanes_ended) key += ended;
  if (counters.lanes_ended[static_cast<size_t>(core::LaneEnd::kBroken)] > 0)
    Fail("the numbering of a link was broken");
  if (opened.id == 0 && key == lanes_key_) return;
  lanes_key_ = key;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    LaneView& lane = lanes_[i];
    const core::LaneRecord* record = router.directory().FindLane(lane.id);
    const uint64_t link = record ? record->channel->number() : 0;
    const uint64_t before = std::exchange(lane.link, link);
    if (before != 0 && link != before && lane.on) LaneLost(static_cast<int>(i), "given up");
    if (lane.id != opened.id) continue;
    if (opened.late) {
      if (named_.contains(lane.id) && timeline_.now() - first_return_ < kPatience)
        Fail(absl::StrCat("the core did not wait for lane ", i));
      LaneLost(static_cast<int>(i), "late");
    }
    named_.erase(lane.id);
  }
}

// A connected lane for which the core has stopped keeping relays before its snapshot was complete
// must be told that it is late.
void Oracle::LookForLateLanes(core::Router& router) {
  const uint64_t told = router.counters().lanes_late - lanes_late_;
  lanes_late_ += told;
  if (late_.empty() && !router.late().keeping()) return;
  uint64_t passed_over = 0;
  for (const uint64_t id : late_) {
    const core::LaneRecord* lane = router.directory().FindLane(id);
    if (lane && !router.late().Contains(id) && lane->state == core::LaneState::kSyncing)
      ++passed_over;
  }
  if (told < passed_over) Fail("a lane that stays late was not told");
  late_ = {router.late().lanes().begin(), router.late().lanes().end()};
}

// A lane that forgets a settled relay knows which lanes were connected when it was routed (H8).
void Oracle::LookAtWhatIsSettled(core::Router& router) {
  const uint64_t version = router.recovery().roster_version();
  const bool same = version == roster_version_;
  roster_version_ = version;
  for (const auto& [id, lane] : router.directory().lanes()) {
    for (LaneView& view : lanes_) {
      if (view.id != id) continue;
      const uint64_t before = std::exchange(view.untold, lane->ledger.untold());
      if (same && before > 0 && view.untold == 0 && lane->roster_version != version)
        Fail("a lane was told what is settled before it was told who was there");
    }
  }
}

void Oracle::NoteWhoIsMissing(int lane, const signaling::v1::Roster& roster) {
  for (LaneView& other : lanes_) {
    bool well = false;
    for (int i = 0; i < roster.lanes_size() && i < roster.links_size(); ++i)
      well = well || (roster.lanes(i) == other.id && roster.links(i) != core::kUnawareLink);
    if (!well) other.knowers.insert(lane);
  }
}

bool Oracle::OnlyTheEndedKnow(int lane) const {
  const std::set<int>& knowers = lanes_[static_cast<size_t>(lane)].knowers;
  return !knowers.empty() && std::none_of(knowers.begin(), knowers.end(), [this](int other) {
    return lanes_[static_cast<size_t>(other)].on;
  });
}

void Oracle::RosterTold(int lane, uint64_t link, const signaling::v1::Roster& roster) {
  if (roster.has_stamp()) NoteWhoIsMissing(lane, roster);
  if (!roster.complete()) return;
  const uint64_t id = lanes_[static_cast<size_t>(lane)].id;
  for (int i = 0; i < roster.lanes_size(); ++i) {
    if (roster.lanes(i) != id) continue;
    // Or with kUnawareLink: a lane that has not acknowledged that it missed relays.
    const uint64_t listed = i < roster.links_size() ? roster.links(i) : 0;
    if (listed == link || listed == core::kUnawareLink) return;
    return Fail(absl::StrCat("lane ", lane, " is in the roster with a link that is not its own"));
  }
  Fail(absl::StrCat("lane ", lane, " is not in the roster that it was told"));
}

void Oracle::LaneLost(int lane, const char* why, bool retold) {
  Excuse(lane, why);
  for (int client = 0; client < static_cast<int>(clients_.size()); ++client) {
    Client& one = clients_[static_cast<size_t>(client)];
    if (one.lane != lane || !one.on) continue;
    for (int topic = 0; topic < topics_; ++topic) {
      Sub& sub = one.subs[static_cast<size_t>(topic)];
      if (sub.in_force) pending_.push_back({client, topic});
      sub.in_force = false;
      sub.certain = retold;
    }
  }
}

void Oracle::LaneMissed(int lane) { Excuse(lane, "told that it has missed relays"); }

void Oracle::Excuse(int lane, const char* why) {
  trace_.Say("lane ", lane, " is ", why);
  ++(*why == 'g' ? coverage_.given_up : coverage_.late);
  Mask mask = 0;
  for (int client = 0; client < static_cast<int>(clients_.size()); ++client) {
    const Client& one = clients_[static_cast<size_t>(client)];
    if (one.lane == lane && one.on) mask |= BitOf(client);
  }
  for (RelayRecord& relay : relays_) {
    relay.excused |= relay.expected & ~relay.delivered & mask;
    if (relay.lane == lane && relay.receipts == 0) relay.receipt_excused = true;
  }
}

void Oracle::LookForSubscriptions(
    const std::function<bool(uint64_t peer, const std::string&)>& known) {
  std::erase_if(pending_, [&](const Pending& one) {
    Client& client = clients_[static_cast<size_t>(one.client)];
    Sub& sub = client.subs[static_cast<size_t>(one.topic)];
    sub.in_force = sub.certain && known(client.peer, absl::StrCat("t", one.topic));
    return sub.in_force;
  });
}

}  // namespace cairn::sim
