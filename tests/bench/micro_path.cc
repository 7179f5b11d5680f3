// What a relay costs from the bytes of one read to the bytes of a write, without the sockets
// between: session, lane, direct link, router, fan-out.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "edge/lane.h"
#include "edge/session.h"
#include "server/direct_link.h"
#include "tests/bench/allocation_count.h"
#include "tests/bench/micro_message.h"

namespace cairn::bench {
namespace {

// Queues frames as a connection does, and throws them away where it would write them.
class SinkClient final : public edge::Client {
 public:
  void Deliver(std::string_view frames) override { out_.append(frames); }
  void Charge(uint64_t) override {}
  void Pong(std::string_view) override {}
  void OnPong(std::string_view) override {}
  void Close(edge::CloseReason, uint16_t) override { CAIRN_CHECK(false); }
  void Disconnect(uint16_t, std::string_view) override { CAIRN_CHECK(false); }
  size_t queued_bytes() const override { return out_.size(); }

  // How many frames it has been given since the last Write().
  uint64_t frames() const {
    uint64_t count = 0;
    for (std::string_view rest = out_; !rest.empty(); ++count) wire::TakeWsFrame(rest);
    return count;
  }
  void Write() { out_.clear(); }

 private:
  std::string out_;
};

// Tasks wait until the benchmark runs them.
class ManualExecutor final : public edge::LoopExecutor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void PostAfter(absl::Duration, std::function<void()>) override {}

  void Run() {
    running_.swap(tasks_);
    for (const auto& task : running_) task();
    running_.clear();
  }

 private:
  std::vector<std::function<void()>> tasks_;
  std::vector<std::function<void()>> running_;
};

// One loop of an edge, with fake clients in place of connections, and without a thread.
class LaneRig {
 public:
  LaneRig(core::Core& core, uint64_t lane_id)
      : next_peer_(lane_id << 32), lane_({lane_id, "bench", 0}, limits_, counters_, clock_) {
    server::DirectLinkFactory links(core);
    link_ = links.NewLink(lane_.identity(), lane_, executor_);
    lane_.Connect(link_.get());
  }
  // Sessions leave the lane, which uses the link.
  ~LaneRig() { sessions_.clear(); }

  void AddSubscribers(size_t count) {
    for (size_t i = 0; i < count; ++i) Send(AddClient(), MaskedFrames(SubscribeMessage(), 1));
    EndTurn();
  }
  // The number of the client, for Send().
  size_t AddClient() {
    clients_.push_back(std::make_unique<SinkClient>());
    sessions_.push_back(std::make_unique<edge::Session>(context_, *clients_.back(), ++next_peer_,
                                                        edge::Lane::PeerFacts()));
    return clients_.size() - 1;
  }

  // As if one read of the client's socket had brought `bytes`.
  void Send(size_t client, const std::string& bytes) {
    read_buffer_ = bytes;
    sessions_[client]->OnBytes({read_buffer_.data(), read_buffer_.size()});
  }
  // The end of a turn.
  void EndTurn() {
    for (const auto& client : clients_) client->Write();
    lane_.Flush();
    executor_.Run();
    while (lane_.has_waiting()) lane_.DeliverWaiting();
    lane_.EndTurn();
  }
  uint64_t frames_of_last() const { return clients_.back()->frames(); }

 private:
  const SystemClock clock_;
  edge::EdgeLimits limits_;
  edge::EdgeCounters counters_;
  wire::MessageReader reader_;
  ManualExecutor executor_;
  uint64_t next_peer_;
  edge::Lane lane_;
  edge::SessionContext context_{lane_, limits_, counters_, reader_};
  std::unique_ptr<edge::CoreLink> link_;
  std::vector<std::unique_ptr<SinkClient>> clients_;
  std::vector<std::unique_ptr<edge::Session>> sessions_;
  std::string read_buffer_;
};

// Arguments: messages that came in one read, subscribers besides the sender.
void RelayWithinLoop(benchmark::State& state) {
  const auto messages = static_cast<size_t>(state.range(0));
  const SystemClock clock;
  const core::CoreLimits limits;
  core::Core core(1, limits, clock);
  LaneRig rig(core, 1);
  const size_t sender = rig.AddClient();
  rig.AddSubscribers(static_cast<size_t>(state.range(1)));
  const std::string frames = MaskedFrames(CanonicalRelay(), messages);
  const auto turn = [&] {
    rig.Send(sender, frames);
    rig.EndTurn();
  };
  turn();
  CAIRN_CHECK(rig.frames_of_last() == messages);
  const PerMessage report(state, state.range(0));
  for (auto _ : state) turn();
}
BENCHMARK(RelayWithinLoop)->Args({1, 1})->Args({16, 1})->Args({1, 500});

// Sender and subscriber on different loops, both run by this thread. Argument: messages that came
// in one read.
void RelayBetweenLoops(benchmark::State& state) {
  const auto messages = static_cast<size_t>(state.range(0));
  const SystemClock clock;
  const core::CoreLimits limits;
  core::Core core(1, limits, clock);
  LaneRig from(core, 1);
  LaneRig to(core, 2);
  const size_t sender = from.AddClient();
  to.AddSubscribers(1);
  const std::string frames = MaskedFrames(CanonicalRelay(), messages);
  const auto turn = [&] {
    from.Send(sender, frames);
    from.EndTurn();
    to.EndTurn();
  };
  turn();
  CAIRN_CHECK(to.frames_of_last() == messages);
  const PerMessage report(state, state.range(0));
  for (auto _ : state) turn();
}
BENCHMARK(RelayBetweenLoops)->Arg(1)->Arg(16);

}  // namespace
}  // namespace cairn::bench
