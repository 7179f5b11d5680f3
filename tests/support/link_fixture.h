// LinkTest: both ends of a link; the test carries the messages between them.
#ifndef CAIRN_TESTS_SUPPORT_LINK_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_LINK_FIXTURE_H_

#include <gtest/gtest.h>

#include <vector>

#include "proto/link/link.h"
#include "tests/support/link_messages.h"

namespace cairn::link {

using EdgeEnd = Link<signaling::v1::LaneToCore, signaling::v1::CoreToLane>;
using CoreEnd = Link<signaling::v1::CoreToLane, signaling::v1::LaneToCore>;

inline constexpr size_t kWindow = 64 << 20;
inline constexpr size_t kMaxWhole = 4 << 20;
// More than one message may carry: it is sent in three parts.
inline constexpr size_t kLarge = 2 * kMaxMessageBytes + 1000;
// The overhead of a message with only a part: its number, its acknowledgement, its length.
inline constexpr size_t kPartOverhead = 64;

inline constexpr auto kIgnore = [](const auto&) {};

// The edge's end, on a stream to a core's end that has handled nothing.
class LinkTest : public testing::Test {
 protected:
  LinkTest() {
    EXPECT_TRUE(edge_.Attach(0, kIgnore));
    EXPECT_TRUE(core_.Attach(0, kIgnore));
  }

  void Append(signaling::v1::LaneToCore message) {
    edge_.Append(message);
    EXPECT_EQ(message.events_size(), 0) << "not cleared";
  }
  // All messages that the edge's end writes now.
  std::vector<signaling::v1::LaneToCore> Write() {
    std::vector<signaling::v1::LaneToCore> written;
    while (edge_.HasNext()) written.push_back(edge_.Next());
    return written;
  }
  // The numbers of the relays that the core's end is given to handle.
  std::vector<uint64_t> Handle(const std::vector<signaling::v1::LaneToCore>& messages) {
    std::vector<uint64_t> handled;
    for (signaling::v1::LaneToCore message : messages) {
      const Receipt receipt = core_.Receive(message, kIgnore);
      EXPECT_NE(receipt, Receipt::kBroken);
      if (receipt != Receipt::kHandle) continue;
      for (const uint64_t number : Numbers(message)) handled.push_back(number);
    }
    return handled;
  }
  // The relays that the edge's end drops when the core's end acknowledges them.
  std::vector<uint64_t> AcknowledgedByCore() {
    std::vector<uint64_t> released;
    signaling::v1::CoreToLane message;
    message.set_received(core_.received());
    EXPECT_EQ(edge_.Receive(message,
                            [&](const signaling::v1::LaneToCore& one) {
                              for (const uint64_t n : Numbers(one)) released.push_back(n);
                            }),
              Receipt::kNothing);
    return released;
  }
  // The stream breaks and another opens.
  void Reconnect() {
    edge_.Detach();
    core_.Detach();
    EXPECT_TRUE(edge_.Attach(core_.received(), kIgnore));
    EXPECT_TRUE(core_.Attach(edge_.received(), kIgnore));
  }

  EdgeEnd edge_{kWindow, kMaxWhole};
  CoreEnd core_{kWindow, kMaxWhole};
};

}  // namespace cairn::link

#endif  // CAIRN_TESTS_SUPPORT_LINK_FIXTURE_H_
