#include "core/live_feed.h"

#include <algorithm>
#include <utility>

namespace cairn::core {

using signaling::v1::Event;
using signaling::v1::TraceRecord;
using signaling::v1::WatchRequest;

namespace {

bool Matches(const WatchRequest& wanted, const Event& event) {
  return (wanted.edge().empty() || wanted.edge() == event.edge()) &&
         (wanted.topic().empty() || wanted.topic() == event.topic()) &&
         (wanted.id().empty() || wanted.id() == event.id());
}

template <typename Listeners>
bool HasRoom(const Listeners& listeners, LiveFeed::Place place) {
  if (listeners.size() == LiveFeed::kMaxListeners) return false;
  if (place == LiveFeed::Place::kOperator) return true;
  const auto viewers = std::count_if(listeners.begin(), listeners.end(), [](const auto& one) {
    return one.place == LiveFeed::Place::kViewer;
  });
  return static_cast<size_t>(viewers) < LiveFeed::kMaxViewers;
}

}  // namespace

bool LiveFeed::AddWatcher(std::shared_ptr<EventListener> listener, WatchRequest wanted,
                          Place place) {
  if (!HasRoom(watchers_, place)) return false;
  watchers_.push_back({std::move(listener), std::move(wanted), place});
  return true;
}

bool LiveFeed::AddTracer(std::shared_ptr<TraceListener> listener, uint64_t peer, std::string topic,
                         Place place) {
  if (!HasRoom(tracers_, place)) return false;
  tracers_.push_back({std::move(listener), peer, std::move(topic), place});
  return true;
}

void LiveFeed::Remove(const EventListener* listener) {
  std::erase_if(watchers_,
                [listener](const Watcher& watcher) { return watcher.listener.get() == listener; });
}

void LiveFeed::Remove(const TraceListener* listener) {
  std::erase_if(tracers_,
                [listener](const Tracer& tracer) { return tracer.listener.get() == listener; });
}

void LiveFeed::Publish(const Event& event) {
  for (const Watcher& watcher : watchers_) {
    if (Matches(watcher.wanted, event)) watcher.listener->OnEvent(event);
  }
}

bool LiveFeed::Wants(uint64_t sender, const std::string& topic) const {
  return std::any_of(tracers_.begin(), tracers_.end(),
                     [&](const Tracer& tracer) { return tracer.Wants(sender, topic); });
}

void LiveFeed::Publish(uint64_t sender, const TraceRecord& record) {
  for (const Tracer& tracer : tracers_) {
    if (tracer.Wants(sender, record.topic())) tracer.listener->OnFrame(record);
  }
}

}  // namespace cairn::core
