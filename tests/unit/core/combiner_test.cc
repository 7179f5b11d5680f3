#include "core/combiner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace cairn::core {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

using IntHandler = std::function<void(int&)>;

TEST(Combiner, HandlesAnInputInPlaceWhenNoThreadHoldsIt) {
  Combiner<int, IntHandler> door([](int& input) { input += 1; });
  int input = 5;
  door.Enter(input);
  EXPECT_EQ(input, 6);
  door.Enter(input);
  EXPECT_EQ(input, 7);
}

TEST(Combiner, AnInputThatEntersWhileOneIsHandledComesAfterIt) {
  std::vector<int> handled;
  Combiner<int, IntHandler>* the_door = nullptr;
  Combiner<int, IntHandler> door([&](int& input) {
    if (input < 3) {
      int next = input + 1;
      the_door->Enter(next);
    }
    handled.push_back(input);
  });
  the_door = &door;
  int first = 1;
  door.Enter(first);
  EXPECT_THAT(handled, ElementsAre(1, 2, 3));
}

TEST(Combiner, AThreadThatFindsItBusyQueuesItsInputAndReturns) {
  using Input = std::unique_ptr<int>;
  using Handler = std::function<void(Input&)>;
  std::promise<void> entered, may_leave;
  std::vector<std::pair<int, std::thread::id>> handled;
  Combiner<Input, Handler> door([&](Input& input) {
    handled.emplace_back(*input, std::this_thread::get_id());
    if (*input != 1) return;
    entered.set_value();
    may_leave.get_future().wait();
  });
  std::thread holder([&door] {
    Input input = std::make_unique<int>(1);
    door.Enter(input);
    EXPECT_NE(input, nullptr) << "handled in place";
  });
  entered.get_future().wait();
  for (const int number : {2, 3}) {
    Input input = std::make_unique<int>(number);
    door.Enter(input);
    EXPECT_EQ(input, nullptr) << "moved away";
  }
  const std::thread::id holder_id = holder.get_id();
  may_leave.set_value();
  holder.join();
  EXPECT_THAT(handled, ElementsAre(std::pair(1, holder_id), std::pair(2, holder_id),
                                   std::pair(3, holder_id)));
}

// As above, of a first input that others come to until there are so many.
struct Crowd {
  using Door = Combiner<int, IntHandler>;

  // `next`: how many more come while one is handled.
  int HandledByTheFirst(int all, const std::function<int(int)>& next) {
    std::vector<std::thread::id> handlers;
    std::vector<int> order;
    Door* the_door = nullptr;
    std::optional<Door> door(std::in_place, [&, said = 0](int& input) mutable {
      handlers.push_back(std::this_thread::get_id());
      order.push_back(input);
      for (int more = next(input); more > 0 && said < all; --more) {
        int other = ++said;
        the_door->Enter(other);
      }
    });
    the_door = &*door;
    int first = 0;
    door->Enter(first);
    door.reset();  // once everything is handled
    EXPECT_THAT(order, SizeIs(all + 1));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    return static_cast<int>(
        std::count(handlers.begin(), handlers.end(), std::this_thread::get_id()));
  }
  static constexpr int kMost = static_cast<int>(Door::kMaxStay) + 1;
};

TEST(Combiner, WhoEntersIsNotKeptByOthersThatComeOneByOne) {
  EXPECT_EQ(Crowd().HandledByTheFirst(1000, [](int) { return 1; }), Crowd::kMost);
}

TEST(Combiner, WhoEntersIsNotKeptByOthersThatComeAllAtOnce) {
  EXPECT_EQ(Crowd().HandledByTheFirst(1000, [](int input) { return input == 0 ? 1000 : 0; }), 1);
  EXPECT_EQ(Crowd().HandledByTheFirst(100, [](int input) { return input == 0 ? 100 : 0; }), 101);
}

struct Numbered {
  int thread;
  int number;
};

// Not guarded by anything but the combiner: a race is for the thread sanitizer, a lost update for
// the assertions.
struct Counts {
  bool inside = false;
  int handled = 0;
  std::vector<int> next;
};

TEST(Combiner, TwoThreadsInputsAreHandledOnceEachInTheirOrderAndNeverTogether) {
  constexpr int kThreads = 2;
  constexpr int kInputs = 100'000;
  Counts counts{false, 0, std::vector<int>(kThreads, 0)};
  const auto handle = [&counts](Numbered& input) {
    ASSERT_FALSE(std::exchange(counts.inside, true));
    ASSERT_EQ(input.number, counts.next[static_cast<size_t>(input.thread)]++);
    ++counts.handled;
    counts.inside = false;
  };
  std::optional<Combiner<Numbered, decltype(handle)>> door(handle);
  std::atomic<int> ready{0};
  const auto run = [&](int thread) {
    ++ready;
    while (ready < kThreads) std::this_thread::yield();
    for (int i = 0; i < kInputs; ++i) {
      Numbered input{thread, i};
      door->Enter(input);
    }
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  door.reset();  // a thread of its own may still be in
  EXPECT_EQ(counts.handled, kThreads * kInputs);
}

}  // namespace
}  // namespace cairn::core
