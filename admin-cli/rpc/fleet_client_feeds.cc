// FleetClient: what all cores tell as it happens, as one feed.
#include <absl/status/status.h>

#include <optional>
#include <utility>

#include "admin-cli/rpc/fleet_client.h"
#include "admin-cli/rpc/fleet_feed.h"

namespace cairn::admin {
namespace {

// Which cores there are is asked again after this.
constexpr absl::Duration kRefreshInterval = absl::Seconds(1);

}  // namespace

template <typename Request>
absl::Status FleetClient::Follow(const Request& request, const Each<AnswerTo<Request>>& each) {
  using Record = AnswerTo<Request>;
  if (absl::Status status = Refresh(); !status.ok()) return status;
  if (cores_.size() == 1 && view_.fleet().empty()) return cores_[0].client->Stream(request, each);
  FleetFeed<Record> feed;
  const auto follow_all = [&] {
    for (const Core& core : cores_) {
      feed.Add(core.info, [client = client_->ForCore(core.info.is_self() ? "" : core.info.core_id(),
                                                     [&feed] { return feed.over(); }),
                           &request](const auto& put) { return client->Stream(request, put); });
    }
  };
  follow_all();
  absl::Time refreshed = absl::Now();
  while (!stop_()) {
    if (const std::optional<Record> record = feed.Next()) {
      if (!each(*record)) return absl::OkStatus();
    }
    while (const auto ended = feed.TakeEnded()) {
      if (!IsMissing(ended->first, ended->second)) return ended->second;
    }
    if (absl::Now() - refreshed < kRefreshInterval) continue;
    const auto missing = missing_;
    // The core that was given says by its own feed when it ends.
    if (Refresh().ok()) follow_all();
    missing_.insert(missing.begin(), missing.end());
    refreshed = absl::Now();
  }
  return absl::CancelledError();
}

absl::Status FleetClient::Stream(const v1::WatchRequest& request, const Each<v1::Event>& each) {
  return Follow(request, each);
}

absl::Status FleetClient::Stream(const v1::TraceRequest& request,
                                 const Each<v1::TraceRecord>& each) {
  return Follow(request, each);
}

}  // namespace cairn::admin
