#include "core/lone_poller.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "core/polling_threads.h"

namespace cairn::core {
namespace {

// Callbacks of gRPC's polling threads that do not return until they are released.
class LonePollerTest : public testing::Test {
 protected:
  ~LonePollerTest() override { Release(); }

  void Begin() {
    ++begun_;
    threads_.Run([this] {
      std::unique_lock lock(mu_);
      ++inside_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
      ++returned_;
      changed_.notify_all();
    });
  }
  // Whether so many are inside at once, soon.
  bool AreInside(int callbacks, std::chrono::milliseconds within) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, within, [&] { return inside_ >= callbacks; });
  }
  void Release() {
    std::unique_lock lock(mu_);
    released_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return returned_ == begun_; });
  }

  PollingThreads threads_;
  std::mutex mu_;
  std::condition_variable changed_;
  bool released_ = false;
  int begun_ = 0;
  int inside_ = 0;
  int returned_ = 0;
};

constexpr std::chrono::seconds kSoon{20};
constexpr std::chrono::milliseconds kNever{100};

TEST_F(LonePollerTest, GrpcAloneRunsTwoCallbacksAtATime) {
  for (int i = 0; i < 2; ++i) Begin();
  EXPECT_TRUE(AreInside(2, kSoon)) << "there would be nothing to park";
}

TEST_F(LonePollerTest, OneCallbackRunsAtATime) {
  const LonePoller poller;
  for (int i = 0; i < 2; ++i) Begin();
  EXPECT_TRUE(AreInside(1, kSoon));
  EXPECT_FALSE(AreInside(2, kNever));
  Release();
  EXPECT_TRUE(AreInside(2, kSoon)) << "one after the other";
}

TEST_F(LonePollerTest, AllThreadsRunCallbacksAfterItsDestruction) {
  std::make_unique<LonePoller>().reset();
  for (int i = 0; i < 2; ++i) Begin();
  EXPECT_TRUE(AreInside(2, kSoon));
}

// As with another gRPC, where there are fewer threads than were parked.
TEST_F(LonePollerTest, WhenTheOneThreadDoesNotAnswerForSecondsAllRunCallbacksAgain) {
  const LonePoller poller;
  for (int i = 0; i < 2; ++i) Begin();
  EXPECT_TRUE(AreInside(2, kSoon));
  Release();
}

}  // namespace
}  // namespace cairn::core
