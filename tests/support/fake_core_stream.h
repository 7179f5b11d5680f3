// FakeCoreStream: streams to a core whose part the test plays.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_CORE_STREAM_H_
#define CAIRN_TESTS_SUPPORT_FAKE_CORE_STREAM_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "edge/core_stream.h"

namespace cairn::edge {

// The lane's calls of one stream; outlives the stream.
struct FakeStreamState {
  CoreStreamListener* listener = nullptr;
  std::vector<signaling::v1::LaneToCore> written;
  bool one_at_a_time = false;  // a write is in flight until FinishWrite()
  bool busy = false;
  bool cancelled = false;
  size_t flushes = 0;
  bool destroyed = false;

  std::vector<signaling::v1::LaneToCore> TakeWritten() { return std::exchange(written, {}); }
  void FinishWrite() {
    busy = false;
    listener->OnStreamWritable();
  }
  void Say(signaling::v1::CoreToLane message) { listener->OnStreamMessage(message); }
};

class FakeCoreStream final : public CoreStream {
 public:
  explicit FakeCoreStream(std::shared_ptr<FakeStreamState> state) : state_(std::move(state)) {}
  ~FakeCoreStream() override { state_->destroyed = true; }
  bool Writable() override { return !state_->busy; }
  void Write(const signaling::v1::LaneToCore& message) override {
    EXPECT_FALSE(state_->busy) << "two writes in flight";
    state_->written.push_back(message);
    state_->busy = state_->one_at_a_time;
  }
  void Flush() override { ++state_->flushes; }
  void Cancel() override { state_->cancelled = true; }

 private:
  const std::shared_ptr<FakeStreamState> state_;
};

class FakeCoreStreamOpener final : public CoreStreamOpener {
 public:
  using Streams = std::vector<std::shared_ptr<FakeStreamState>>;
  // `streams` gets the state of every stream that is opened.
  explicit FakeCoreStreamOpener(std::shared_ptr<Streams> streams) : streams_(std::move(streams)) {}
  std::unique_ptr<CoreStream> OpenStream(CoreStreamListener& listener) override {
    auto state = std::make_shared<FakeStreamState>();
    state->listener = &listener;
    streams_->push_back(state);
    return std::make_unique<FakeCoreStream>(state);
  }

 private:
  const std::shared_ptr<Streams> streams_;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_FAKE_CORE_STREAM_H_
