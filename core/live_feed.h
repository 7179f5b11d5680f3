// LiveFeed: the callers who watch events, and those who trace frames.
//
// While nobody watches, an event costs one comparison.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: kMaxListeners of each kind, of which kMaxViewers may be viewers. Each listener bounds its
//         own queue.
#ifndef CAIRN_CORE_LIVE_FEED_H_
#define CAIRN_CORE_LIVE_FEED_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signaling/v1/admin.pb.h"

namespace cairn::core {

// Implemented by the Admin service's streams. Called by the thread that holds the router: must not
// block nor call back.
class EventListener {
 public:
  virtual ~EventListener() = default;
  virtual void OnEvent(const signaling::v1::Event& event) = 0;
};
class TraceListener {
 public:
  virtual ~TraceListener() = default;
  virtual void OnFrame(const signaling::v1::TraceRecord& record) = 0;
};

class LiveFeed {
 public:
  static constexpr size_t kMaxListeners = 64;
  // The maximum number of viewers among them, so that an operator always finds a place.
  static constexpr size_t kMaxViewers = 48;

  enum class Place { kOperator, kViewer };

  // False when there are too many already.
  bool AddWatcher(std::shared_ptr<EventListener> listener, signaling::v1::WatchRequest wanted,
                  Place place);
  bool AddTracer(std::shared_ptr<TraceListener> listener, uint64_t peer, std::string topic,
                 Place place);
  void Remove(const EventListener* listener);
  void Remove(const TraceListener* listener);

  bool watched() const { return !watchers_.empty(); }
  bool traced() const { return !tracers_.empty(); }

  void Publish(const signaling::v1::Event& event);
  // Whether any caller traces frames of that sender or topic.
  bool Wants(uint64_t sender, const std::string& topic) const;
  void Publish(uint64_t sender, const signaling::v1::TraceRecord& record);

 private:
  struct Watcher {
    std::shared_ptr<EventListener> listener;
    signaling::v1::WatchRequest wanted;
    Place place;
  };
  struct Tracer {
    std::shared_ptr<TraceListener> listener;
    uint64_t peer;  // 0: by topic
    std::string topic;
    Place place;
    bool Wants(uint64_t sender, const std::string& name) const {
      return peer != 0 ? sender == peer : name == topic;
    }
  };

  std::vector<Watcher> watchers_;
  std::vector<Tracer> tracers_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LIVE_FEED_H_
