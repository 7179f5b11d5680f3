#include "server/core_figures.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "core/core.h"
#include "core/router.h"
#include "tests/support/fake_clock.h"

namespace cairn::server {
namespace {

// A router that does nothing else until this goes.
class Busy {
 public:
  explicit Busy(core::Core& core)
      : thread_([this, &core] {
          core::RouterInput wait = core::AdminCall{[this](core::Router&) {
            begun_.set_value();
            over_.get_future().wait();
          }};
          core.Enter(wait);
        }) {
    begun_.get_future().wait();
  }
  ~Busy() {
    over_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> begun_, over_;
  std::thread thread_;
};

TEST(CoreFiguresTest, ABusyRouterIsReportedByItsLastFiguresAndTheirAge) {
  FakeClock clock;
  core::Core core(1, core::CoreLimits(), clock);
  CoreFigures figures(core, clock);
  {
    const Busy busy(core);
    EXPECT_FALSE(figures.Take(absl::Milliseconds(5))) << "there are none yet";
    EXPECT_EQ(figures.age(), absl::ZeroDuration());
  }
  EXPECT_TRUE(figures.Take(absl::Seconds(20)));
  {
    const Busy busy(core);
    clock.Advance(absl::Seconds(7));
    EXPECT_TRUE(figures.Take(absl::Milliseconds(5)));
    EXPECT_EQ(figures.age(), absl::Seconds(7));
  }
  EXPECT_TRUE(figures.Take(absl::Seconds(20)));
  EXPECT_EQ(figures.age(), absl::ZeroDuration());
}

}  // namespace
}  // namespace cairn::server
