// AskOne: a call to another core of the fleet that has one answer.
//
// Thread: any; `done` is called on the bus's.
// Errors: as FleetCalls; DATA_LOSS for an answer that cannot be read.
#ifndef CAIRN_CORE_ASK_ONE_H_
#define CAIRN_CORE_ASK_ONE_H_

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/thread_annotations.h"
#include "core/fleet_calls.h"

namespace cairn::core {

// The one message of an answer.
template <typename Response>
class OneListener final : public FleetListener {
 public:
  OneListener(Response& response, std::function<void(const absl::Status&)> done)
      : response_(response), done_(std::move(done)) {}
  void OnMessage(uint64_t, std::string body) override {
    MutexLock lock(mu_);
    if (!over_) is_read_ = response_.ParseFromString(body);
  }
  void OnEnd(const absl::Status& status) override {
    bool is_read = false;
    {
      MutexLock lock(mu_);
      over_ = true;
      is_read = is_read_;
    }
    done_(status.ok() && !is_read ? absl::DataLossError("an answer cannot be read") : status);
  }

 private:
  Response& response_;  // Borrowed, until done_ is called.
  const std::function<void(const absl::Status&)> done_;

  Mutex mu_;
  bool is_read_ ABSL_GUARDED_BY(mu_) = false;
  bool over_ ABSL_GUARDED_BY(mu_) = false;
};

// `response` must live until `done` is called, once.
template <typename Response>
void AskOne(FleetCalls& calls, uint64_t core, FleetCalls::Frame::Method method, std::string request,
            bool may_operate, Response& response, std::function<void(const absl::Status&)> done) {
  calls.Ask(core, method, std::move(request), may_operate,
            std::make_shared<OneListener<Response>>(response, std::move(done)));
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_ASK_ONE_H_
