#include "core/live_feed.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace cairn::core {
namespace {

using Place = LiveFeed::Place;

class Watcher final : public EventListener {
 public:
  void OnEvent(const signaling::v1::Event&) override {}
};

TEST(LiveFeed, ViewersCannotUseUpAllPlaces) {
  LiveFeed feed;
  std::vector<std::shared_ptr<Watcher>> watchers;
  const auto add = [&](Place place) {
    watchers.push_back(std::make_shared<Watcher>());
    return feed.AddWatcher(watchers.back(), {}, place);
  };
  for (size_t i = 0; i < LiveFeed::kMaxViewers; ++i) EXPECT_TRUE(add(Place::kViewer));
  EXPECT_FALSE(add(Place::kViewer));
  for (size_t i = LiveFeed::kMaxViewers; i < LiveFeed::kMaxListeners; ++i)
    EXPECT_TRUE(add(Place::kOperator));
  EXPECT_FALSE(add(Place::kOperator));
  feed.Remove(watchers.front().get());
  EXPECT_TRUE(add(Place::kViewer));
}

TEST(LiveFeed, OperatorsMayTakeAllPlacesOfTracers) {
  LiveFeed feed;
  for (size_t i = 0; i < LiveFeed::kMaxListeners; ++i)
    EXPECT_TRUE(feed.AddTracer(nullptr, 1, "", Place::kOperator));
  EXPECT_FALSE(feed.AddTracer(nullptr, 1, "", Place::kViewer));
}

}  // namespace
}  // namespace cairn::core
