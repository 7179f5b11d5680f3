// RouterMesh: a router of a fleet, its lanes, and other cores whose messages the test writes.
#ifndef CAIRN_TESTS_SUPPORT_ROUTER_MESH_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_ROUTER_MESH_FIXTURE_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/mesh_bus.h"
#include "core/mesh_link.h"
#include "proto/link/timing.h"
#include "tests/support/mesh_messages.h"
#include "tests/support/return_fixture.h"

namespace cairn::core {

class RouterMesh : public RouterReturn {
 public:
  using Message = signaling::v1::MeshMessage;
  class FakeBus final : public MeshBus {
   public:
    bool Writable() override { return reached; }
    void Send(const Message& head, std::string_view items) override {
      sent.push_back(Read(head, items));
    }
    void OnHandled(Message&& /*message*/) override { ++handled; }
    std::vector<Message> sent;
    int handled = 0;
    bool reached = true;
  };

 protected:
  using Item = signaling::v1::MeshItem;

  // Another core of the fleet.
  struct FakeCore {
    FakeCore(uint64_t core, uint64_t link_number, const CoreLimits& limits, absl::Duration now)
        : id(core), link(link_number, limits, now) {}
    const uint64_t id;
    MeshLink link;
    std::vector<Item> heard;
  };
  using CorePtr = std::shared_ptr<FakeCore>;

  // Ends what the first core of a fleet waits for.
  RouterMesh() {
    router_->JoinMesh(bus_, "core", "test", "fleet");
    PassStartHold();
  }

  // A core that is connected with the router and has sent its snapshot, with the items about its
  // lanes. `link`: higher than before if the core has given the router up meanwhile.
  CorePtr MeetCore(uint64_t id, uint64_t link = 1, std::vector<Item> snapshot = {}) {
    auto core = std::make_shared<FakeCore>(id, link, limits_, now());
    cores_[id] = core;
    snapshot.push_back(Of(Item::KIND_SNAPSHOT_END));
    TellAll(core, snapshot);
    Message beat = From(*core);
    beat.mutable_beat()->add_members(kCoreId);
    for (const auto& [other, known] : cores_) beat.mutable_beat()->add_members(other);
    Enter(MeshArrived{beat});
    TickNow();
    Carry();
    return core;
  }
  static Item Of(Item::Kind kind, uint64_t lane = 0, uint64_t session = 0) {
    Item item;
    item.set_kind(kind);
    item.set_lane(lane);
    item.set_session(session);
    return item;
  }
  static Item Here(uint64_t lane, uint64_t session, bool is_new = true) {
    Item item = Of(Item::KIND_LANE_HERE, lane, session);
    item.set_is_new(is_new);
    return item;
  }
  static Item Ready(uint64_t lane, uint64_t session) {
    return Of(Item::KIND_LANE_READY, lane, session);
  }
  static Item Found(uint64_t lane, uint64_t session) {
    return Of(Item::KIND_LANE_FOUND, lane, session);
  }
  static Item Away(uint64_t lane, uint64_t session, uint64_t core) {
    Item item = Of(Item::KIND_LANE_AWAY, lane, session);
    item.set_core(core);
    return item;
  }
  static Item Subscribed(uint64_t lane, uint64_t peer, const std::string& topic) {
    Item item = Of(Item::KIND_SUBSCRIBED, lane);
    item.set_peer(peer);
    item.set_topic(topic);
    item.set_stamp(1);
    return item;
  }
  // `tag` is the relay's number among those of its core.
  static Item Relayed(uint64_t lane, uint64_t peer, const std::string& topic, uint64_t seq,
                      uint64_t tag, uint64_t target = 0) {
    Item item = Of(Item::KIND_RELAY, lane);
    item.set_peer(peer);
    item.set_topic(topic);
    item.set_payload("payload " + std::to_string(seq));
    item.set_sequence(seq);
    item.set_tag(tag);
    item.set_target(target);
    return item;
  }

  // The core sends these items, and the router receives them.
  template <typename... Items>
  void Tell(const CorePtr& core, const Items&... items) {
    TellAll(core, {items...});
  }
  // The same, of serialized items.
  void TellBytes(const CorePtr& core, const Message& items) {
    link::MeshOut packed = Packed(items);
    core->link.Append(packed, now());
    Carry();
  }
  // The items that the core has received since the last call, "KIND lane".
  std::vector<std::string> Heard(const CorePtr& core) {
    Carry();
    std::vector<std::string> words;
    for (const Item& item : std::exchange(core->heard, {}))
      words.push_back(Item::Kind_Name(item.kind()).substr(5) + " " + std::to_string(item.lane()));
    return words;
  }
  // Numbers of the lane's relays that the core has received since the last call; other items are
  // dropped.
  std::vector<uint64_t> Relays(const CorePtr& core, uint64_t lane) {
    Carry();
    std::vector<uint64_t> numbers;
    for (const Item& item : std::exchange(core->heard, {})) {
      if (item.kind() == Item::KIND_RELAY && item.lane() == lane)
        numbers.push_back(item.sequence());
    }
    return numbers;
  }
  // Tags of the core's relays that the router has settled by its next tick.
  std::vector<uint64_t> SettledTags(const CorePtr& core) {
    TickNow();
    Carry();
    std::vector<uint64_t> tags;
    for (const Item& item : std::exchange(core->heard, {})) {
      for (int i = 0; i + 1 < item.ranges_size(); i += 2) {
        for (uint64_t tag = item.ranges(i); tag <= item.ranges(i + 1); ++tag) tags.push_back(tag);
      }
    }
    return tags;
  }
  absl::Duration now() const { return clock_.Elapsed(); }
  // Delivers all messages in flight between the router and the cores.
  void Carry() {
    for (bool moved = true; moved;) {
      moved = false;
      for (Message& message : std::exchange(bus_.sent, {})) {
        const auto core = cores_.find(message.to());
        if (core == cores_.end()) continue;
        moved = true;
        if (core->second->link.Receive(message, now()) != MeshLink::Receipt::kHandle) continue;
        for (Item& item : ItemsOf(message)) core->second->heard.push_back(std::move(item));
      }
      for (const auto& [id, core] : cores_) {
        while (core->link.HasNext()) {
          Message message = Read(core->link.Next());
          moved = true;
          Message envelope = From(*core);
          message.set_protocol_version(envelope.protocol_version());
          message.set_from(envelope.from());
          message.set_to(kCoreId);
          Enter(MeshArrived{std::move(message)});
        }
      }
    }
  }

  FakeBus bus_;
  std::map<uint64_t, CorePtr> cores_;

 private:
  void TellAll(const CorePtr& core, const std::vector<Item>& items) {
    Message message;
    for (const Item& item : items) item.SerializeToString(message.add_items());
    TellBytes(core, message);
  }
  static Message From(const FakeCore& core) {
    Message message;
    message.set_protocol_version(Mesh::kProtocolVersion);
    message.set_from(core.id);
    return message;
  }
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_ROUTER_MESH_FIXTURE_H_
