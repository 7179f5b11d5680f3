#include "core/spare_messages.h"

#include <gtest/gtest.h>

#include <string>

namespace cairn::core {
namespace {

using signaling::v1::MeshMessage;

MeshMessage With(int items, size_t item_bytes) {
  MeshMessage message;
  for (int i = 0; i < items; ++i) message.add_items()->assign(item_bytes, 'p');
  return message;
}

TEST(SpareMessages, TheMemoryOfAMessageThatWasHandledIsUsedForTheNext) {
  SpareMessages spare;
  spare.Give(With(2, 300));
  MeshMessage next = spare.Take();
  EXPECT_EQ(next.items_size(), 0);
  EXPECT_TRUE(next.add_items()->empty());
  EXPECT_GE(next.items(0).capacity(), 300u);
  EXPECT_LT(spare.Take().add_items()->capacity(), 300u) << "there was one";
}

TEST(SpareMessages, AnEmptyMessageKeepsTheMemoryOfThoseBefore) {
  SpareMessages spare;
  spare.Give(With(1, 300));
  spare.Give(spare.Take());  // an acknowledgement
  EXPECT_GE(spare.Take().add_items()->capacity(), 300u);
}

TEST(SpareMessages, LargePayloadsGiveTheirMemoryBack) {
  SpareMessages spare;
  spare.Give(With(1, SpareMessages::kMaxItemBytes + 100));
  EXPECT_LT(spare.Take().add_items()->capacity(), SpareMessages::kMaxItemBytes);
}

TEST(SpareMessages, SoManyAreKeptAtMost) {
  SpareMessages spare;
  spare.Give(With(SpareMessages::kMaxItems + 1, 100));
  EXPECT_LT(spare.Take().add_items()->capacity(), 100u) << "it is too large";
  for (size_t i = 0; i <= SpareMessages::kMaxSpare; ++i) spare.Give(With(1, 100));
  for (size_t i = 0; i < SpareMessages::kMaxSpare; ++i)
    EXPECT_GE(spare.Take().add_items()->capacity(), 100u);
  EXPECT_LT(spare.Take().add_items()->capacity(), 100u);
}

}  // namespace
}  // namespace cairn::core
