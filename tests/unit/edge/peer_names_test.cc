#include "edge/peer_names.h"

#include <gtest/gtest.h>

#include <set>

namespace cairn::edge {
namespace {

TEST(PeerNames, EachIsNewAndProvesItsLane) {
  PeerNames names("a lane's secret");
  std::set<uint64_t> ids;
  for (int i = 0; i < 100; ++i) {
    const link::PeerName name = names.New();
    EXPECT_NE(name.id, 0u);
    EXPECT_EQ(name.id, link::PeerIdOf("a lane's secret", name.proof));
    ids.insert(name.id);
  }
  EXPECT_EQ(ids.size(), 100u);
}

}  // namespace
}  // namespace cairn::edge
