#include "base/task_queue.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <string>
#include <thread>

namespace cairn {
namespace {

class TaskQueueTest : public testing::Test {
 protected:
  TaskQueueTest() {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, tasks_.wake_fd(), &event);
  }

  // Whether the thread was woken before its time.
  bool Sleep() {
    epoll_event event;
    return epoll_wait(epoll_.get(), &event, 1, tasks_.MillisecondsToSleep()) == 1;
  }
  std::string Run() {
    done_.clear();
    tasks_.RunDue([this] { done_ += '.'; });
    return done_;
  }
  TaskQueue::Task Note(char name) {
    return [this, name] { done_ += name; };
  }

  UniqueFd epoll_{epoll_create1(EPOLL_CLOEXEC)};
  TaskQueue tasks_;
  std::string done_;
};

TEST_F(TaskQueueTest, TasksRunInTheOrderInWhichTheyWerePosted) {
  tasks_.Post(Note('a'));
  tasks_.Post(Note('b'));
  EXPECT_EQ(tasks_.MillisecondsToSleep(), 0);
  EXPECT_EQ(Run(), "a.b.");
  EXPECT_EQ(Run(), "");
}

TEST_F(TaskQueueTest, WithoutTasksTheThreadSleepsUntilOneIsPosted) {
  EXPECT_EQ(tasks_.MillisecondsToSleep(), -1);
  std::thread other([this] { tasks_.Post(Note('a')); });
  EXPECT_TRUE(Sleep());
  other.join();
  EXPECT_EQ(Run(), "a.");
}

TEST_F(TaskQueueTest, EachSleepIsEndedByTheFirstTaskOfOthers) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(tasks_.MillisecondsToSleep(), -1);
    tasks_.Post(Note('a'));
    tasks_.Post(Note('b'));
    epoll_event event;
    EXPECT_EQ(epoll_wait(epoll_.get(), &event, 1, -1), 1);
    EXPECT_EQ(Run(), "a.b.");
  }
}

TEST_F(TaskQueueTest, TasksPostedByATaskAreLeftForTheNextCall) {
  tasks_.Post([this] { tasks_.Post(Note('b')); });
  EXPECT_EQ(Run(), ".");
  EXPECT_EQ(tasks_.MillisecondsToSleep(), 0);
  EXPECT_EQ(Run(), "b.");
}

TEST_F(TaskQueueTest, TimersRunWhenTheyAreDueAndInThatOrder) {
  tasks_.PostAfter(absl::Hours(1), Note('c'));
  EXPECT_EQ(Run(), "");
  EXPECT_GT(tasks_.MillisecondsToSleep(), 3'500'000);
  EXPECT_LE(tasks_.MillisecondsToSleep(), 3'600'000);
  tasks_.PostAfter(absl::Milliseconds(2), Note('b'));
  tasks_.PostAfter(absl::Milliseconds(1), Note('a'));
  std::string all;
  while (all.size() < 4) {
    EXPECT_FALSE(Sleep());
    all += Run();
  }
  EXPECT_EQ(all, "a.b.");
}

TEST_F(TaskQueueTest, ATimerThatIsOverdueLeavesNoTimeToSleep) {
  tasks_.PostAfter(absl::ZeroDuration(), Note('a'));
  EXPECT_EQ(tasks_.MillisecondsToSleep(), 0);
  EXPECT_EQ(Run(), "a.");
}

}  // namespace
}  // namespace cairn
