// What the tests of a NATS bus share: a server, buses that join it, and what each has told.
#ifndef CAIRN_TESTS_SUPPORT_NATS_BUS_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_NATS_BUS_FIXTURE_H_

#include <absl/time/time.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "core/nats_bus.h"
#include "tests/support/nats_server.h"

namespace cairn::core {

// What a bus has told.
class Heard : public NatsReceiver {
 public:
  void OnMessage(signaling::v1::MeshMessage message) override {
    const MutexLock lock(mu_);
    numbers_.push_back(message.number());
    changed_.Signal();
  }
  void OnWritable() override {
    const MutexLock lock(mu_);
    writable_ = true;
    changed_.Signal();
  }
  void OnNobody(uint64_t core_id) override {
    const MutexLock lock(mu_);
    nobody_.push_back(core_id);
    changed_.Signal();
  }
  void OnState(bool up, std::string_view reason) override {
    const MutexLock lock(mu_);
    up_ = up;
    if (!up) reasons_.emplace_back(reason);
    changed_.Signal();
  }

  template <typename Condition>
  [[nodiscard]] bool Await(Condition condition, absl::Duration patience = absl::Seconds(20)) {
    const MutexLock lock(mu_);
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoMicroseconds(patience);
    while (!condition() && changed_.WaitUntil(mu_, end)) {
    }
    return condition();
  }
  bool AwaitUp(bool up = true) {
    return Await([this, up] { return up_ == up; });
  }
  bool AwaitNumbers(std::vector<uint64_t> numbers) {
    return Await([this, &numbers] { return numbers_ == numbers; });
  }

  Mutex mu_;
  CondVar changed_;
  std::vector<uint64_t> numbers_;
  std::vector<uint64_t> nobody_;
  std::vector<std::string> reasons_;
  bool up_ = false;
  bool writable_ = false;
};

inline signaling::v1::MeshMessage Numbered(uint64_t number, uint64_t to, size_t bytes = 0) {
  signaling::v1::MeshMessage message;
  message.set_number(number);
  message.set_to(to);
  message.set_part(std::string(bytes, 'x'));
  return message;
}

inline std::string ByTls(const test::NatsServer& server) {
  const std::string url = server.url();
  return "tls://localhost" + url.substr(url.rfind(':'));
}

// A thread that serves a bus, as the lanes' thread does.
class Host {
 public:
  explicit Host(NatsBus& bus) : bus_(bus), thread_([this] { Run(); }) {
    hosting_.get_future().wait();
  }
  ~Host() {
    ending_ = true;
    thread_.join();
  }
  size_t calls() const { return calls_; }

 private:
  void Run() {
    bus_.OnHosted(true);
    hosting_.set_value();
    bool again = false;
    while (!ending_) {
      pollfd polled = {bus_.ready_fd(), POLLIN, 0};
      if (poll(&polled, 1, again ? 0 : 5) == 0 && !again) continue;
      ++calls_;
      again = bus_.OnReady();
      bus_.OnTurnEnds();
    }
    bus_.OnHosted(false);
  }

  NatsBus& bus_;
  std::atomic<bool> ending_{false};
  std::atomic<size_t> calls_{0};
  std::promise<void> hosting_;
  std::thread thread_;
};

class NatsBusTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::NatsServer::Installed()) GTEST_SKIP() << "no nats-server: apt install nats-server";
    server_ = std::make_unique<test::NatsServer>();
  }

  std::unique_ptr<NatsBus> Join(uint64_t core_id, Heard& heard,
                                std::vector<std::string> more = {}) {
    NatsOptions options;
    options.urls = {server_->url()};
    options.urls.insert(options.urls.begin(), more.begin(), more.end());
    options.fleet = "test";
    options.core_id = core_id;
    auto bus = NatsBus::Start(options, heard);
    EXPECT_TRUE(heard.AwaitUp());
    return bus;
  }

  std::unique_ptr<test::NatsServer> server_;
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_NATS_BUS_FIXTURE_H_
