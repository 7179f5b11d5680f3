// Two ends of a link over streams that break after any prefix in either direction: everything
// arrives once and in order, and the memory of all of it is given back.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "proto/link/link.h"
#include "tests/support/link_messages.h"

namespace cairn::link {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

constexpr size_t kWindow = 1 << 20;
constexpr size_t kMaxWhole = 4 << 20;
constexpr int kSteps = 400;
constexpr auto kIgnore = [](const auto&) {};

template <typename Out, typename In>
struct End {
  Link<Out, In> link{kWindow, kMaxWhole};
  std::deque<Out> on_the_way;      // written on this stream, not arrived
  uint64_t appended = 0;           // the last number
  std::vector<uint64_t> handled;   // of the other end's
  std::vector<uint64_t> released;  // of its own: acknowledged
};

class LinkRandomTest : public testing::TestWithParam<uint32_t> {
 protected:
  using Edge = End<LaneToCore, CoreToLane>;
  using Core = End<CoreToLane, LaneToCore>;

  // Sometimes one that travels in parts; few, because they are slow.
  size_t SomeSize() {
    const auto dice = random_() % 60;
    return dice == 0 ? kMaxMessageBytes + random_() % (3 * kMaxMessageBytes)
                     : random_() % (dice < 5 ? kMaxMessageBytes : 100);
  }
  void Append() {
    if (random_() % 2 == 0) {
      LaneToCore message;
      for (auto n = 1 + random_() % 3; n > 0; --n) AddRelay(message, ++edge_.appended, SomeSize());
      if (random_() % 4 == 0) message.mutable_stats()->set_messages_in(1);
      edge_.link.Append(message);
    } else {
      CoreToLane message = Delivery(++core_.appended, SomeSize());
      if (random_() % 4 == 0) message.add_settled(1);
      core_.link.Append(message);
    }
  }
  template <typename Mine>
  void Write(Mine& mine) {
    if (mine.link.HasNext()) mine.on_the_way.push_back(mine.link.Next());
  }
  template <typename From, typename To>
  void Arrive(From& from, To& to) {
    if (from.on_the_way.empty()) return;
    auto message = std::move(from.on_the_way.front());
    from.on_the_way.pop_front();
    const Receipt receipt = to.link.Receive(message, Releaser(to));
    ASSERT_NE(receipt, Receipt::kBroken);
    if (receipt != Receipt::kHandle) return;
    for (const uint64_t number : Numbers(message)) to.handled.push_back(number);
  }
  template <typename Mine>
  static auto Releaser(Mine& mine) {
    return [&mine](const auto& message) {
      for (const uint64_t number : Numbers(message)) mine.released.push_back(number);
    };
  }
  // What is on the way is lost, but for a prefix in each direction; Hello and Welcome say the rest.
  void Reconnect() {
    for (size_t n = random_() % (edge_.on_the_way.size() + 1); n > 0; --n) Arrive(edge_, core_);
    for (size_t n = random_() % (core_.on_the_way.size() + 1); n > 0; --n) Arrive(core_, edge_);
    edge_.on_the_way.clear();
    core_.on_the_way.clear();
    edge_.link.Detach();
    core_.link.Detach();
    if (random_() % 2 == 0) Append();
    ASSERT_TRUE(core_.link.Attach(edge_.link.received(), Releaser(core_)));
    ASSERT_TRUE(edge_.link.Attach(core_.link.received(), Releaser(edge_)));
  }

  void Step() {
    switch (random_() % 16) {
      case 0:
        return Reconnect();
      case 1:
        return random_() % 2 == 0 ? edge_.link.AckNow() : core_.link.AckNow();
      case 2:
      case 3:
      case 4:
        return Append();
      case 5:
      case 6:
      case 7:
        return Write(edge_);
      case 8:
      case 9:
      case 10:
        return Write(core_);
      case 11:
      case 12:
        return Arrive(core_, edge_);
      default:
        return Arrive(edge_, core_);
    }
  }
  void Finish() {
    while (edge_.link.cost() > 0 || core_.link.cost() > 0) {
      edge_.link.AckNow();
      core_.link.AckNow();
      while (edge_.link.HasNext()) Write(edge_);
      while (core_.link.HasNext()) Write(core_);
      if (edge_.on_the_way.empty() && core_.on_the_way.empty()) return;
      while (!edge_.on_the_way.empty()) Arrive(edge_, core_);
      while (!core_.on_the_way.empty()) Arrive(core_, edge_);
    }
  }
  static std::vector<uint64_t> UpTo(uint64_t last) {
    std::vector<uint64_t> numbers;
    for (uint64_t number = 1; number <= last; ++number) numbers.push_back(number);
    return numbers;
  }

  std::mt19937 random_{GetParam()};
  Edge edge_;
  Core core_;
};

TEST_P(LinkRandomTest, EverythingArrivesOnceInOrderAndIsReleased) {
  ASSERT_TRUE(edge_.link.Attach(0, kIgnore));
  ASSERT_TRUE(core_.link.Attach(0, kIgnore));
  for (int step = 0; step < kSteps; ++step) {
    Step();
    if (HasFatalFailure()) return;
  }
  Finish();
  EXPECT_EQ(core_.handled, UpTo(edge_.appended));
  EXPECT_EQ(edge_.handled, UpTo(core_.appended));
  EXPECT_EQ(edge_.released, UpTo(edge_.appended));
  EXPECT_EQ(core_.released, UpTo(core_.appended));
  EXPECT_EQ(edge_.link.cost(), 0u);
  EXPECT_EQ(core_.link.cost(), 0u);
  EXPECT_TRUE(edge_.link.idle());
  EXPECT_TRUE(core_.link.idle());
}

INSTANTIATE_TEST_SUITE_P(Seeds, LinkRandomTest, testing::Range(0u, 100u));

}  // namespace
}  // namespace cairn::link
