#include "core/lone_poller.h"

#include <grpc/support/cpu.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "core/polling_threads.h"

namespace cairn::core {
namespace {

// Well below the second after which a thread sleeps.
constexpr std::chrono::milliseconds kBeat{500};
// The number of beats that one callback may take.
constexpr int kPatience = 3;

// As gRPC counts them.
unsigned CountOfThreads() { return std::clamp(gpr_cpu_num_cores() / 2, 2u, 16u); }

}  // namespace

struct LonePoller::Shared {
  void Park() {
    std::unique_lock lock(mu);
    release.wait(lock, [this] { return released; });
    OnReturn();
  }
  // A beat every kBeat, until the threads are released.
  void Beat() {
    std::unique_lock lock(mu);
    int unanswered = 0;
    while (!release.wait_for(lock, kBeat, [this] { return released; })) {
      if (!beat_under_way) {
        unanswered = 0;
        beat_under_way = true;
        ++under_way;
        lock.unlock();
        threads.Run([this] {
          const std::lock_guard back(mu);
          beat_under_way = false;
          OnReturn();
        });
        lock.lock();
      } else if (++unanswered == kPatience) {
        log::Warn(log::Core(), "grpc_stalled",
                  {{"hint", log::Text("all of its threads poll now")}});
        released = true;
        release.notify_all();
      }
    }
  }
  // With mu held. Must be the last statement of a callback.
  void OnReturn() {
    if (--under_way == 0 && released) returned.notify_all();
  }

  PollingThreads threads;
  std::mutex mu;
  std::condition_variable release;
  std::condition_variable returned;
  // Guarded by mu.
  bool released = false;
  bool beat_under_way = false;
  unsigned under_way = 0;  // callbacks that have not returned
  std::thread beats;
};

LonePoller::LonePoller() : shared_(std::make_unique<Shared>()) {
  const unsigned parked = CountOfThreads() - 1;
  shared_->under_way = parked;
  Shared* const shared = shared_.get();
  for (unsigned i = 0; i < parked; ++i) shared->threads.Run([shared] { shared->Park(); });
  shared->beats = std::thread([shared] { shared->Beat(); });
}

LonePoller::~LonePoller() {
  {
    std::unique_lock lock(shared_->mu);
    shared_->released = true;
    shared_->release.notify_all();
    shared_->returned.wait(lock, [this] { return shared_->under_way == 0; });
  }
  shared_->beats.join();
}

}  // namespace cairn::core
