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

template <typename Record, typename Request>
absl::Status FleetClient::Follow(const Request& request,
                                 absl::Status (AdminClient::*follow)(const Request&,
                                                                     const Each<Record>&),
                                 const Each<Record>& each) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  if (cores_.size() == 1 && view_.fleet().empty())
    return (cores_[0].client.get()->*follow)(request, each);
  FleetFeed<Record> feed;
  const auto follow_all = [&] {
    for (const Core& core : cores_) {
      feed.Add(core.info, [client = client_->ForCore(core.info.is_self() ? "" : core.info.core_id(),
                                                     [&feed] { return feed.over(); }),
                           &request, follow](const auto& put) {
        return (client.get()->*follow)(request, put);
      });
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

absl::Status FleetClient::Watch(const v1::WatchRequest& request, const Each<v1::Event>& each) {
  return Follow<v1::Event>(request, &AdminClient::Watch, each);
}

absl::Status FleetClient::Trace(const v1::TraceRequest& request,
                                const Each<v1::TraceRecord>& each) {
  return Follow<v1::TraceRecord>(request, &AdminClient::Trace, each);
}

}  // namespace cairn::admin
