#include "tests/bench/poller.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "tests/bench/bench_clock.h"

namespace cairn::bench {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)), read_buffer_(new char[kReadBuffer]) {
  CAIRN_CHECK(epoll_.valid());
}

void Poller::Add(int fd, uint32_t epoll_events, Pollable& item) {
  epoll_event event = {};
  event.events = epoll_events;
  event.data.ptr = &item;
  CAIRN_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Poller::Change(int fd, uint32_t epoll_events, Pollable& item) {
  epoll_event event = {};
  event.events = epoll_events;
  event.data.ptr = &item;
  CAIRN_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Poller::Touch(Pollable& item) {
  if (item.touched_) return;
  item.touched_ = true;
  touched_.push_back(&item);
}

void Poller::Poll(int64_t until_ns) {
  FlushTouched();
  if (nap_ns_ > 0) {
    const timespec nap = {nap_ns_ / kSecond, nap_ns_ % kSecond};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
  }
  const int64_t wait_ns = std::max<int64_t>(0, until_ns - NowNs());
  timespec wait = {};
  wait.tv_sec = wait_ns / kSecond;
  wait.tv_nsec = wait_ns % kSecond;
  std::array<epoll_event, 1024> events;
  const int ready =
      epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &wait, nullptr);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    static_cast<Pollable*>(event.data.ptr)->OnReady(event.events);
  }
  FlushTouched();
}

bool Poller::PollUntil(int64_t until_ns, const std::function<bool()>& done) {
  while (!done()) {
    if (NowNs() >= until_ns) return false;
    Poll(until_ns);
  }
  return true;
}

void Poller::FlushTouched() {
  flushing_.swap(touched_);
  for (Pollable* item : flushing_) {
    item->touched_ = false;
    item->Flush();
  }
  flushing_.clear();
}

}  // namespace cairn::bench
