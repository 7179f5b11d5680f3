// TwoShapes: the same lanes, sessions and clock twice: with their core in one process
// (server/direct_link.h), and behind streams that carry bytes and may break (edge/lane_link.h).
//
// A client must not be able to tell which of the two it is connected to.
#ifndef CAIRN_TESTS_FUZZ_TWO_SHAPES_H_
#define CAIRN_TESTS_FUZZ_TWO_SHAPES_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/core.h"
#include "edge/lane_link.h"
#include "edge/session.h"
#include "proto/link/identity.h"
#include "server/direct_link.h"
#include "tests/support/fake_clock.h"

namespace cairn {

// Tasks of one loop.
class FuzzLoop final : public edge::LoopExecutor {
 public:
  explicit FuzzLoop(const Clock& clock) : clock_(clock) {}
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void PostAfter(absl::Duration wait, std::function<void()> task) override {
    later_.emplace(clock_.Elapsed() + wait, std::move(task));
  }
  bool has_tasks() const { return !tasks_.empty(); }
  // Whether there was anything to do.
  bool Run() {
    while (!later_.empty() && later_.begin()->first <= clock_.Elapsed())
      tasks_.push_back(later_.extract(later_.begin()).mapped());
    std::deque<std::function<void()>> now;
    now.swap(tasks_);
    for (const auto& task : now) task();
    return !now.empty();
  }

 private:
  const Clock& clock_;
  std::deque<std::function<void()>> tasks_;
  std::multimap<absl::Duration, std::function<void()>> later_;
};

// One stream: both ends, and the bytes between them.
class FuzzStream final : public core::LaneStream, public std::enable_shared_from_this<FuzzStream> {
 public:
  FuzzStream(core::Core& core, edge::LoopExecutor& loop, edge::CoreStreamListener& listener)
      : core_(core), loop_(loop), listener_(&listener) {}

  class EdgeEnd final : public edge::CoreStream {
   public:
    explicit EdgeEnd(std::shared_ptr<FuzzStream> stream) : stream_(std::move(stream)) {}
    ~EdgeEnd() override {
      stream_->listener_ = nullptr;
      stream_->Cut();
    }
    bool Writable() override {
      stream_->edge_waits_ = !stream_->up_.empty();
      return stream_->up_.empty();
    }
    void Write(const signaling::v1::LaneToCore& message) override {
      stream_->up_.push_back(message.SerializeAsString());
    }
    void Cancel() override { stream_->Cut(); }

   private:
    const std::shared_ptr<FuzzStream> stream_;
  };

  // ---- core::LaneStream
  bool Writable() override {
    core_waits_ = !down_.empty();
    return down_.empty();
  }
  void Write(const signaling::v1::CoreToLane& message) override {
    down_.push_back(message.SerializeAsString());
  }
  void OnHandled(signaling::v1::LaneToCore&&) override { reading_ = true; }
  // An honest lane gives no reason for it.
  void Close(const absl::Status&) override { std::abort(); }

  // It breaks; messages in flight are lost.
  void Cut() {
    if (std::exchange(over_, true)) return;
    up_.clear();
    down_.clear();
    if (opened_) {
      core::RouterInput closed = core::LaneClosed{shared_from_this()};
      core_.Enter(closed);
    }
    loop_.Post([self = shared_from_this()] {
      if (self->listener_) std::exchange(self->listener_, nullptr)->OnStreamEnded(14, "cut");
    });
  }
  // Moves what there is. Whether there was anything.
  bool Move() {
    if (over_) return false;
    bool moved = false;
    if (!up_.empty() && (!opened_ || reading_)) {
      moved = true;
      MoveUp();
    }
    if (!over_ && !down_.empty()) {
      moved = true;
      MoveDown();
    }
    return moved;
  }
  bool over() const { return over_; }

 private:
  void MoveUp() {
    signaling::v1::LaneToCore message;
    if (!message.ParseFromString(up_.front())) std::abort();
    up_.pop_front();
    core::RouterInput input = core::LaneOpened{shared_from_this(), message.hello()};
    if (opened_) input = core::LaneBatch{shared_from_this(), std::move(message)};
    opened_ = true;
    reading_ = false;
    core_.Enter(input);
    if (!std::exchange(edge_waits_, false)) return;
    loop_.Post([self = shared_from_this()] {
      if (self->listener_) self->listener_->OnStreamWritable();
    });
  }
  void MoveDown() {
    signaling::v1::CoreToLane message;
    if (!message.ParseFromString(down_.front())) std::abort();
    down_.pop_front();
    if (listener_) listener_->OnStreamMessage(message);
    if (over_ || !std::exchange(core_waits_, false)) return;
    core::RouterInput writable = core::LaneWritable{shared_from_this()};
    core_.Enter(writable);
  }

  core::Core& core_;
  edge::LoopExecutor& loop_;
  edge::CoreStreamListener* listener_;  // null: the lane has let go of it
  std::deque<std::string> up_, down_;
  bool opened_ = false, reading_ = false, over_ = false;
  bool edge_waits_ = false, core_waits_ = false;
};

class FuzzOpener final : public edge::CoreStreamOpener {
 public:
  FuzzOpener(core::Core& core, edge::LoopExecutor& loop, std::shared_ptr<FuzzStream>& current)
      : core_(core), loop_(loop), current_(current) {}
  std::unique_ptr<edge::CoreStream> OpenStream(edge::CoreStreamListener& listener) override {
    current_ = std::make_shared<FuzzStream>(core_, loop_, listener);
    return std::make_unique<FuzzStream::EdgeEnd>(current_);
  }

 private:
  core::Core& core_;
  edge::LoopExecutor& loop_;
  std::shared_ptr<FuzzStream>& current_;
};

// The messages that a client was sent.
class FuzzClient final : public edge::Client {
 public:
  void Deliver(std::string_view frames) override {
    while (!frames.empty()) said.emplace_back(wire::TakeWsFrame(frames));
  }
  void Pong(std::string_view payload) override { said.push_back("pong " + std::string(payload)); }
  void Charge(uint64_t) override {}
  void OnPong(std::string_view) override {}
  void Close(edge::CloseReason reason, uint16_t) override {
    said.push_back("close " + std::to_string(static_cast<int>(reason)));
  }
  void Disconnect(uint16_t code, std::string_view words) override {
    said.push_back("disconnect " + std::to_string(code) + std::string(words));
  }
  size_t queued_bytes() const override { return 0; }

  std::vector<std::string> said;
};

class Shape {
 public:
  static constexpr int kLanes = 2, kClients = 4;  // two a lane, one of which speaks v2

  Shape(bool split, const Clock& clock, const edge::EdgeLimits& limits)
      : split_(split), core_(7, core::CoreLimits(), clock), direct_(core_) {
    for (int i = 0; i < kLanes; ++i) lanes_.push_back(NewLane(i, clock, limits));
  }
  ~Shape() {
    for (auto& person : people_) person.session.reset();
    for (const auto& one : lanes_) one->link.reset();
  }

  void Join(int client) {
    Person& person = people_[client];
    LaneOfShape& one = LaneOf(client);
    edge::Lane::PeerFacts facts;
    facts.dialect = client % 2 == 0 ? wire::Dialect::kNative : wire::Dialect::kV2;
    facts.proof = static_cast<uint64_t>(++joined_);
    const uint64_t peer = link::PeerIdOf(one.lane->identity().secret, facts.proof);
    person.session =
        std::make_unique<edge::Session>(one.context, person.client, peer, std::move(facts));
  }
  void Leave(int client) { people_[client].session.reset(); }
  bool is_there(int client) const { return people_[client].session != nullptr; }
  void Say(int client, std::string bytes) {
    if (is_there(client)) people_[client].session->OnBytes({bytes.data(), bytes.size()});
  }
  // Without effect on the other shape.
  void Break(int lane) {
    const auto& stream = lanes_[static_cast<size_t>(lane)]->stream;
    if (split_ && stream) stream->Cut();
  }
  void Tick() {
    core_.Tick();
    for (const auto& one : lanes_) {
      one->lane->EndQueries();
      one->lane->Tick();
      one->link->Tick();
    }
    Settle();
  }
  // Until nothing moves any more.
  void Settle() {
    for (int turns = 0;; ++turns) {
      if (turns > 10'000) std::abort();
      bool moved = false;
      for (const auto& one : lanes_) {
        moved = one->loop.Run() || moved;
        one->lane->Flush();
        while (one->lane->has_waiting()) one->lane->DeliverWaiting();
        one->lane->EndTurn();
        if (one->stream) moved = one->stream->Move() || moved;
      }
      // What one lane does may be another's to go on with.
      for (const auto& one : lanes_) moved = moved || one->loop.has_tasks();
      if (!moved) return;
    }
  }
  bool connected() const {
    for (const auto& one : lanes_) {
      if (!one->link->connected()) return false;
    }
    return true;
  }
  // Since the last call: relays in their order, then all else. Who leaves several topics leaves
  // them in no particular order.
  std::vector<std::string> TakeSaid(int client) {
    std::vector<std::string> said = std::exchange(people_[client].client.said, {});
    const auto others = std::stable_partition(said.begin(), said.end(), [](const auto& frame) {
      return frame.find("eRelay") != std::string::npos;
    });
    std::sort(others, said.end());
    return said;
  }

 private:
  struct LaneOfShape {
    LaneOfShape(const Clock& clock, const edge::EdgeLimits& limits, edge::LaneIdentity identity)
        : loop(clock),
          lane(std::make_unique<edge::Lane>(std::move(identity), limits, counters, clock)),
          context{*lane, limits, counters, reader} {}
    FuzzLoop loop;
    edge::EdgeCounters counters;
    wire::MessageReader reader;
    std::unique_ptr<edge::Lane> lane;
    edge::SessionContext context;
    std::shared_ptr<FuzzStream> stream;
    std::unique_ptr<edge::CoreLink> link;
  };
  struct Person {
    FuzzClient client;
    std::unique_ptr<edge::Session> session;
  };

  LaneOfShape& LaneOf(int client) { return *lanes_[static_cast<size_t>(client / 2)]; }
  std::unique_ptr<LaneOfShape> NewLane(int index, const Clock& clock,
                                       const edge::EdgeLimits& limits) {
    const std::string secret(link::kSecretBytes, static_cast<char>('a' + index));
    edge::LaneIdentity identity{link::LaneIdOf(secret), "edge", static_cast<uint32_t>(index)};
    identity.secret = secret;
    auto one = std::make_unique<LaneOfShape>(clock, limits, identity);
    if (split_) {
      one->link = std::make_unique<edge::LaneLink>(
          std::make_unique<FuzzOpener>(core_, one->loop, one->stream), std::move(identity),
          *one->lane, one->loop, edge::LaneLink::Options(), clock);
    } else {
      one->link = direct_.NewLink(identity, *one->lane, one->loop);
    }
    one->lane->Connect(one->link.get());
    return one;
  }

  const bool split_;
  core::Core core_;
  server::DirectLinkFactory direct_;
  std::vector<std::unique_ptr<LaneOfShape>> lanes_;
  Person people_[kClients];
  int joined_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_TESTS_FUZZ_TWO_SHAPES_H_
