#include "core/lone_poller.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace cairn::core {
namespace {

// Callbacks of gRPC's polling threads that do not return until they are released.
class LonePollerTest : public testing::Test {
 protected:
  ~LonePollerTest() override { Release(); }

  void Begin() {
    struct Call {
      grpc::ClientContext context;
      grpc::Slice nothing;
      grpc::ByteBuffer request{&nothing, 1}, response;
    };
    auto call = std::make_shared<Call>();
    Call& now = *call;
    ++begun_;
    // The context goes before anybody is told, as in LonePoller: it has a share in the channel.
    stub_.UnaryCall(&now.context, "/none", {}, &now.request, &now.response,
                    [this, call = std::move(call)](grpc::Status) mutable {
                      std::unique_lock lock(mu_);
                      ++inside_;
                      changed_.notify_all();
                      changed_.wait(lock, [this] { return released_; });
                      call.reset();
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

  // Without credentials every call fails at once.
  grpc::GenericStub stub_{grpc::CreateChannel("unused", nullptr)};
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

TEST_F(LonePollerTest, AllThreadsRunCallbacksOnceItIsGone) {
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
