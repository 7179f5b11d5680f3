#include "core/core_snapshot.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string_view>

#include "core/router.h"

namespace cairn::core {

namespace {

MeshSnapshot SnapshotOf(const Mesh& mesh, absl::Duration now) {
  MeshSnapshot snapshot;
  snapshot.ready = mesh.ready();
  snapshot.counters = mesh.counters();
  snapshot.resends = mesh.counters().resends;
  snapshot.interest = mesh.interest().size();
  for (const auto& [id, member] : mesh.members()) {
    ++snapshot.cores;
    if (member->complete) ++snapshot.whole_cores;
    snapshot.silence = std::max(snapshot.silence, now - member->heard);
    snapshot.backlog_bytes += member->link->cost();
    snapshot.resends += member->link->resends();
    snapshot.open_relays += member->open_relays();
  }
  return snapshot;
}

// What `look` returns, once the router executes it.
template <typename Result, typename Look>
std::optional<Result> AskRouter(Core& core, absl::Duration patience, Look look) {
  // Shared, because the router may execute the call after the caller has stopped waiting.
  const auto promise = std::make_shared<std::promise<Result>>();
  std::future<Result> future = promise->get_future();
  RouterInput call =
      AdminCall{[promise, look](Router& router) { promise->set_value(look(router)); }};
  core.Enter(call);
  if (future.wait_for(absl::ToChronoNanoseconds(patience)) != std::future_status::ready)
    return std::nullopt;
  return future.get();
}

}  // namespace

CoreSnapshot SnapshotOf(const Router& router) {
  const Directory& directory = router.directory();
  const RouterCounters& counters = router.counters();
  const RecordStore& records = router.records();
  CoreSnapshot snapshot;
  snapshot.peers = directory.peer_ids().size();
  snapshot.topics = directory.topics().size();
  snapshot.subscriptions = directory.subscription_count();
  absl::flat_hash_set<std::string_view> edges;
  for (const auto& [id, lane] : directory.lanes()) {
    if (lane->attached()) {
      ++snapshot.lanes;
      edges.insert(lane->edge);
    } else {
      ++snapshot.absent_lanes;
    }
    if (!lane->channel) continue;
    snapshot.kept_bytes += lane->channel->cost();
    snapshot.max_kept_bytes = std::max<uint64_t>(snapshot.max_kept_bytes, lane->channel->cost());
  }
  snapshot.late_bytes = router.late().cost();
  snapshot.held_bytes = router.hold().cost() + snapshot.late_bytes;
  snapshot.lanes_awaited = router.hold().awaited().size() + router.late().lanes().size();
  snapshot.edges = edges.size();
  snapshot.peers_opened = directory.peers_opened();
  snapshot.peers_closed = directory.peers_closed();
  snapshot.relays = counters.relays;
  snapshot.relays_unheard = counters.relays_unheard;
  snapshot.deliveries = counters.deliveries;
  snapshot.events_ignored = counters.events_ignored;
  snapshot.fan_out = counters.fan_out.Values();
  snapshot.lanes_late = counters.lanes_late;
  snapshot.lanes_refused = counters.lanes_refused;
  snapshot.refusals = counters.refusals;
  snapshot.lanes_ended = counters.lanes_ended;
  snapshot.deliveries_given_up = counters.deliveries_given_up;
  snapshot.records = records.size();
  snapshot.record_bytes = records.bytes();
  snapshot.held_queries = router.held_queries();
  for (size_t i = 0; i < kRecordEndCount; ++i) {
    snapshot.records_ended[i] = records.ended(static_cast<RecordEnd>(i));
  }
  if (const Mesh* mesh = router.mesh())
    snapshot.mesh = SnapshotOf(*mesh, absl::Microseconds(router.turn().steady_us));
  return snapshot;
}

std::optional<CoreSnapshot> TakeSnapshot(Core& core, absl::Duration patience) {
  return AskRouter<CoreSnapshot>(core, patience,
                                 [](const Router& router) { return SnapshotOf(router); });
}

std::optional<std::string> NoLanesBecause(Core& core, absl::Duration patience) {
  return AskRouter<std::string>(core, patience, [](const Router& router) -> std::string {
    return std::string(router.lanes().TakesNoneBecause());
  });
}

}  // namespace cairn::core
