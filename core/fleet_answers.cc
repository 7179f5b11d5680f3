#include "core/fleet_answers.h"

#include <absl/status/statusor.h>

#include <functional>
#include <string>

#include "core/fleet_answer_kinds.h"
#include "core/peer_listing.h"
#include "core/topic_listing.h"

namespace cairn::core {

namespace v1 = signaling::v1;

namespace {

using Frame = v1::FleetFrame;

// Makes the answer to one ask, or says what is wrong with it.
struct Maker {
  using Made = absl::StatusOr<std::shared_ptr<FleetAnswer>>;

  AdminCalls& calls;
  const std::shared_ptr<FleetSender>& sender;
  uint64_t from;
  const Frame& ask;
  absl::Duration now = calls.core().clock().Elapsed();

  LiveFeed::Place place() const {
    return ask.may_operate() ? LiveFeed::Place::kOperator : LiveFeed::Place::kViewer;
  }
  template <typename Request>
  absl::StatusOr<Request> Parse() const {
    Request request;
    if (request.ParseFromString(ask.body())) return request;
    return absl::InvalidArgumentError("the request cannot be read");
  }
  template <typename Request, typename Response>
  Made One(AdminCalls::Unary<Request, Response> run) const {
    absl::StatusOr<Request> request = Parse<Request>();
    if (!request.ok()) return request.status();
    return std::make_shared<OneAnswer<Request, Response>>(calls, run, *std::move(request), sender,
                                                          from, ask, now);
  }
  Made Peers() const {
    const auto request = Parse<v1::ListPeersRequest>();
    if (!request.ok()) return request.status();
    absl::StatusOr<PeerListing> listing = PeerListing::Create(*request);
    if (!listing.ok()) return listing.status();
    return std::make_shared<ListAnswer<PeerListing, v1::ListPeersResponse>>(
        calls.core(), *std::move(listing), sender, from, ask, now);
  }
  Made Topics() const {
    auto request = Parse<v1::ListTopicsRequest>();
    if (!request.ok()) return request.status();
    return std::make_shared<ListAnswer<TopicListing, v1::ListTopicsResponse>>(
        calls.core(), TopicListing(*std::move(request)), sender, from, ask, now);
  }
  Made Watch() const {
    const auto request = Parse<v1::WatchRequest>();
    if (!request.ok()) return request.status();
    const auto join = [wanted = *request, place = place()](Router& router, auto listener) {
      return router.feed().AddWatcher(std::move(listener), wanted, place);
    };
    return std::make_shared<WatchAnswer>(calls.core(), join, sender, from, ask, now);
  }
  Made Trace() const {
    const auto request = Parse<v1::TraceRequest>();
    if (!request.ok()) return request.status();
    const absl::StatusOr<uint64_t> peer = AdminCalls::PeerToTrace(*request);
    if (!peer.ok()) return peer.status();
    const auto join = [peer = *peer, topic = request->topic(), place = place()](Router& router,
                                                                                auto listener) {
      return router.feed().AddTracer(std::move(listener), peer, topic, place);
    };
    return std::make_shared<TraceAnswer>(calls.core(), join, sender, from, ask, now);
  }

  Made Make() const {
    if (MustOperate(ask.method()) && !ask.may_operate())
      return absl::PermissionDeniedError("the caller is no operator");
    switch (ask.method()) {
      case Frame::METHOD_GET_STATUS:
        return One(&AdminCalls::GetStatus);
      case Frame::METHOD_LIST_PEERS:
        return Peers();
      case Frame::METHOD_GET_PEER:
        return One(&AdminCalls::GetPeer);
      case Frame::METHOD_DISCONNECT:
        return One(&AdminCalls::Disconnect);
      case Frame::METHOD_LIST_TOPICS:
        return Topics();
      case Frame::METHOD_GET_TOPIC:
        return One(&AdminCalls::GetTopic);
      case Frame::METHOD_LIST_EDGES:
        return One(&AdminCalls::ListEdges);
      case Frame::METHOD_DRAIN_EDGE:
        return One(&AdminCalls::DrainEdge);
      case Frame::METHOD_WATCH:
        return Watch();
      case Frame::METHOD_TRACE:
        return Trace();
      case Frame::METHOD_SET_LOG_LEVEL:
        return One(&AdminCalls::SetLogLevel);
      case Frame::METHOD_DRAIN_CORE:
        return One(&AdminCalls::DrainCore);
      default:
        return absl::UnimplementedError("this core is older, and does not know the call");
    }
  }
};

}  // namespace

bool MustOperate(Frame::Method method) {
  switch (method) {
    case Frame::METHOD_DISCONNECT:
    case Frame::METHOD_DRAIN_EDGE:
    case Frame::METHOD_SET_LOG_LEVEL:
    case Frame::METHOD_DRAIN_CORE:
      return true;
    default:
      return false;
  }
}

FleetAnswers::FleetAnswers(uint64_t core_id, MeshBus& bus, AdminCalls& calls)
    : calls_(calls), sender_(std::make_shared<FleetSender>(core_id, bus)) {}

FleetAnswers::~FleetAnswers() { Stop(); }

void FleetAnswers::OnFrame(uint64_t from, Frame& frame) {
  const Key key(from, frame.call());
  const std::shared_ptr<FleetAnswer> answer = Find(key);
  switch (frame.kind()) {
    case Frame::KIND_ASK:
      if (!answer) Start(key, frame);
      break;
    case Frame::KIND_GRANT: {
      if (!answer) break;
      answer->Grant(frame.grant(), calls_.core().clock().Elapsed());
      RouterInput alive = AdminCall{[answer](Router&) { answer->SayAlive(); }};
      calls_.core().Enter(alive);
      break;
    }
    case Frame::KIND_CANCEL:
      if (answer) answer->Cancel();
      break;
    default:
      break;
  }
}

void FleetAnswers::Start(const Key& key, Frame& ask) {
  Maker::Made made = Maker{calls_, sender_, key.first, ask}.Make();
  {
    MutexLock lock(mu_);
    if (stopped_) return;
    if (made.ok() && answers_.size() >= kMaxAnswers)
      made = absl::ResourceExhaustedError("the core answers too many calls at once");
    if (made.ok()) answers_[key] = *made;
  }
  if (made.ok()) return (*made)->Start();
  Frame end;
  end.set_kind(Frame::KIND_END);
  end.set_call(ask.call());
  end.set_number(1);
  end.set_status_code(static_cast<uint32_t>(made.status().code()));
  end.set_status_message(std::string(made.status().message()));
  sender_->Send(key.first, std::move(end));
}

std::shared_ptr<FleetAnswer> FleetAnswers::Find(const Key& key) {
  MutexLock lock(mu_);
  const auto found = answers_.find(key);
  return found == answers_.end() ? nullptr : found->second;
}

void FleetAnswers::Tick() {
  const absl::Duration now = calls_.core().clock().Elapsed();
  std::vector<std::shared_ptr<FleetAnswer>> dropped;
  {
    MutexLock lock(mu_);
    for (auto it = answers_.begin(); it != answers_.end();) {
      const auto answer = it++;
      const bool forgotten = now - answer->second->wanted() > kForgotten;
      if (!forgotten && !answer->second->over()) continue;
      dropped.push_back(std::move(answer->second));
      answers_.erase(answer);
    }
  }
  for (const auto& answer : dropped) answer->Cancel();
}

void FleetAnswers::Stop() {
  sender_->Stop();
  std::map<Key, std::shared_ptr<FleetAnswer>> answers;
  {
    MutexLock lock(mu_);
    stopped_ = true;
    answers.swap(answers_);
  }
  for (const auto& [key, answer] : answers) answer->Cancel();
}

}  // namespace cairn::core
