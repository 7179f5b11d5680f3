#include "admin-cli/rpc/fleet_client.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "admin-cli/rpc/fleet_feed.h"
#include "admin-cli/rpc/fleet_merge.h"
#include "admin-cli/rpc/fleet_pages.h"

namespace cairn::admin {
namespace {

// Of a merged list.
constexpr int kPageEntries = 128;
constexpr absl::Duration kRefreshInterval = absl::Seconds(1);

// Hands entries on in pages.
template <typename Page>
class Pager {
 public:
  explicit Pager(const AdminClient::Each<Page>& each) : each_(each) {}
  Page& page() { return page_; }
  // After an entry was added. False: the caller wants no more.
  bool Added() {
    if (++entries_ < kPageEntries) return true;
    return Flush();
  }
  bool Flush() {
    const bool go_on = each_(page_);
    page_.Clear();
    entries_ = 0;
    return go_on;
  }

 private:
  const AdminClient::Each<Page>& each_;
  Page page_;
  int entries_ = 0;
};

std::vector<v1::Topic> TopicsOf(const v1::ListTopicsResponse& page) {
  return {page.topics().begin(), page.topics().end()};
}

// The first `limit` of them, 0: all, in the order of the request.
void Tell(const v1::ListTopicsRequest& request, std::vector<v1::Topic> topics,
          const AdminClient::Each<v1::ListTopicsResponse>& each) {
  std::sort(topics.begin(), topics.end(),
            [&](const v1::Topic& a, const v1::Topic& b) { return ComesBefore(request, a, b); });
  if (request.limit() > 0 && topics.size() > request.limit()) topics.resize(request.limit());
  Pager<v1::ListTopicsResponse> pager(each);
  for (v1::Topic& topic : topics) {
    *pager.page().add_topics() = std::move(topic);
    if (!pager.Added()) return;
  }
  pager.Flush();
}

// Drops what cannot be among the first of them, once that is many.
void Prune(const v1::ListTopicsRequest& request, std::vector<v1::Topic>& topics) {
  const size_t limit = request.limit();
  if (limit == 0 || topics.size() < 2 * limit + kPageEntries) return;
  std::nth_element(
      topics.begin(), topics.begin() + static_cast<ptrdiff_t>(limit), topics.end(),
      [&](const v1::Topic& a, const v1::Topic& b) { return ComesBefore(request, a, b); });
  topics.resize(limit);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FleetClient>> FleetClient::Create(const ConnectionOptions& options,
                                                                 std::function<bool()> stop) {
  absl::StatusOr<std::unique_ptr<AdminClient>> client = AdminClient::Create(options, stop);
  if (!client.ok()) return client.status();
  return std::unique_ptr<FleetClient>(
      new FleetClient(*std::move(client), options, std::move(stop)));
}

FleetClient::FleetClient(std::unique_ptr<AdminClient> client, ConnectionOptions options,
                         std::function<bool()> stop)
    : options_(std::move(options)), stop_(std::move(stop)), client_(std::move(client)) {}

std::vector<std::string> FleetClient::missing() const {
  std::vector<std::string> names;
  for (const auto& [id, name] : missing_) names.push_back(name);
  return names;
}

absl::Status FleetClient::Refresh() {
  missing_.clear();
  absl::StatusOr<v1::ListCoresResponse> view = client_->ListCores();
  if (absl::IsUnimplemented(view.status())) {
    // An older core, which has no fleet.
    view = v1::ListCoresResponse();
    view->add_cores()->set_is_self(true);
  }
  if (!view.ok()) return view.status();
  view_ = *std::move(view);
  cores_.clear();
  for (const v1::CoreInfo& info : view_.cores()) {
    if (!options_.on.empty() && info.name() != options_.on && info.core_id() != options_.on)
      continue;
    cores_.push_back({info, client_->ForCore(info.is_self() ? "" : info.core_id(), stop_)});
  }
  if (cores_.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("--on: there is no core '{}': see 'cairn-admin cores list'", options_.on));
  }
  return absl::OkStatus();
}

bool FleetClient::IsMissing(const v1::CoreInfo& core, const absl::Status& status) {
  if (core.is_self()) return false;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnimplemented:
      break;
    default:
      return false;
  }
  missing_[core.core_id()] = core.name();
  if (said_.insert(core.core_id()).second && on_missing_) on_missing_(core.name(), status);
  return true;
}

template <typename Response>
absl::StatusOr<FleetClient::Answers<Response>> FleetClient::AskAll(const Ask<Response>& ask) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  std::vector<absl::StatusOr<Response>> answers(cores_.size());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < cores_.size(); ++i)
    threads.emplace_back([&, i] { answers[i] = ask(*cores_[i].client); });
  answers[0] = ask(*cores_[0].client);
  for (std::thread& thread : threads) thread.join();

  Answers<Response> good;
  absl::Status bad;
  for (size_t i = 0; i < cores_.size(); ++i) {
    const absl::Status& status = answers[i].status();
    if (status.ok()) {
      said_.erase(cores_[i].info.core_id());
      good.emplace_back(&cores_[i].info, *std::move(answers[i]));
    } else if (absl::IsNotFound(status)) {
      bad = status;
    } else if (!IsMissing(cores_[i].info, status)) {
      return status;
    } else if (bad.ok()) {
      bad = status;
    }
  }
  if (good.empty()) return bad;
  return good;
}

// ---- calls with one answer

absl::StatusOr<v1::GetStatusResponse> FleetClient::GetStatus() {
  const auto answers = AskAll<v1::GetStatusResponse>([](auto& core) { return core.GetStatus(); });
  if (!answers.ok()) return answers.status();
  std::vector<v1::GetStatusResponse> parts;
  for (const auto& [core, part] : *answers) parts.push_back(part);
  v1::GetStatusResponse status = parts.size() == 1 ? parts[0] : MergeStatus(parts);
  for (const std::string& name : missing()) status.add_missing_cores(name);
  return status;
}

absl::StatusOr<v1::Peer> FleetClient::GetPeer(const v1::GetPeerRequest& request) {
  const auto answers = AskAll<v1::Peer>([&](auto& core) { return core.GetPeer(request); });
  if (!answers.ok()) return answers.status();
  std::vector<v1::Peer> parts;
  for (const auto& [core, part] : *answers) {
    parts.push_back(part);
    if (!view_.fleet().empty()) parts.back().set_core(core->name());
  }
  return MergePeer(parts);
}

absl::StatusOr<v1::DisconnectResponse> FleetClient::Disconnect(
    const v1::DisconnectRequest& request) {
  const auto answers =
      AskAll<v1::DisconnectResponse>([&](auto& core) { return core.Disconnect(request); });
  if (!answers.ok()) return answers.status();
  v1::DisconnectResponse sum;
  for (const auto& [core, part] : *answers)
    sum.set_disconnected(sum.disconnected() + part.disconnected());
  return sum;
}

absl::StatusOr<v1::Topic> FleetClient::GetTopic(const v1::GetTopicRequest& request) {
  const auto answers = AskAll<v1::Topic>([&](auto& core) { return core.GetTopic(request); });
  if (!answers.ok()) return answers.status();
  v1::Topic sum = answers->front().second;
  for (size_t i = 1; i < answers->size(); ++i) MergeTopic((*answers)[i].second, sum);
  return sum;
}

absl::StatusOr<v1::ListEdgesResponse> FleetClient::ListEdges() {
  const auto answers = AskAll<v1::ListEdgesResponse>([](auto& core) { return core.ListEdges(); });
  if (!answers.ok()) return answers.status();
  std::vector<v1::ListEdgesResponse> parts;
  for (const auto& [core, part] : *answers) parts.push_back(part);
  return MergeEdges(parts);
}

absl::StatusOr<v1::DrainEdgeResponse> FleetClient::DrainEdge(const v1::DrainEdgeRequest& request) {
  const auto answers =
      AskAll<v1::DrainEdgeResponse>([&](auto& core) { return core.DrainEdge(request); });
  if (!answers.ok()) return answers.status();
  v1::DrainEdgeResponse sum;
  for (const auto& [core, part] : *answers) sum.set_peers(sum.peers() + part.peers());
  return sum;
}

absl::StatusOr<v1::SetLogLevelResponse> FleetClient::SetLogLevel(
    const v1::SetLogLevelRequest& request) {
  const auto answers =
      AskAll<v1::SetLogLevelResponse>([&](auto& core) { return core.SetLogLevel(request); });
  if (!answers.ok()) return answers.status();
  return answers->front().second;
}

absl::StatusOr<v1::ListCoresResponse> FleetClient::ListCores() {
  const auto answers = AskAll<v1::GetStatusResponse>([](auto& core) { return core.GetStatus(); });
  if (!answers.ok()) return answers.status();
  v1::ListCoresResponse view = view_;
  for (v1::CoreInfo& info : *view.mutable_cores()) {
    for (const auto& [core, part] : *answers) {
      if (core->core_id() == info.core_id()) *info.mutable_status() = part;
    }
  }
  return view;
}

absl::StatusOr<v1::DrainCoreResponse> FleetClient::DrainCore(const std::string& core,
                                                             const v1::DrainCoreRequest& request) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  for (const Core& one : cores_) {
    if (one.info.name() == core || one.info.core_id() == core)
      return one.client->DrainCore(request);
  }
  return absl::NotFoundError("no such core");
}

// ---- lists

template <typename Page, typename Item, typename Request, typename Items, typename Deliver>
absl::Status FleetClient::MergeLists(const Request& request,
                                     absl::Status (AdminClient::*list)(const Request&,
                                                                       const Each<Page>&),
                                     Items items, Deliver deliver) {
  using Source = PageSource<Page, Item>;
  std::vector<std::unique_ptr<Source>> sources;
  for (const Core& core : cores_) {
    sources.push_back(std::make_unique<Source>(
        [client = core.client.get(), &request, list](const typename Source::Each& each) {
          return (client->*list)(request, each);
        },
        [&items, name = core.info.name()](const Page& page) { return items(page, name); }));
  }
  bool all = true;
  Merge(
      sources, [&](const Item& a, const Item& b) { return ComesBefore(request, a, b); },
      [&](Item item) { return all = deliver(std::move(item)); });
  if (!all) return absl::OkStatus();
  for (size_t i = 0; i < sources.size(); ++i) {
    const absl::Status status = sources[i]->status();
    if (!status.ok() && !IsMissing(cores_[i].info, status)) return status;
  }
  return absl::OkStatus();
}

absl::Status FleetClient::ListPeers(const v1::ListPeersRequest& request,
                                    const Each<v1::ListPeersResponse>& each) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  if (cores_.size() == 1) return cores_[0].client->ListPeers(request, each);
  std::atomic<bool> cut{false};
  const auto items = [&](const v1::ListPeersResponse& page, const std::string& core) {
    if (!page.next_page_token().empty()) cut = true;
    std::vector<v1::Peer> peers(page.peers().begin(), page.peers().end());
    for (v1::Peer& peer : peers) peer.set_core(core);
    return peers;
  };
  Pager<v1::ListPeersResponse> pager(each);
  uint32_t told = 0;
  std::string last;
  bool wanted = true;
  const auto deliver = [&](v1::Peer peer) {
    if (request.limit() > 0 && told == request.limit()) {
      cut = true;
      return false;
    }
    // A peer whose lane has moved meanwhile.
    if (peer.id() == last) return true;
    ++told;
    last = peer.id();
    *pager.page().add_peers() = std::move(peer);
    return wanted = pager.Added();
  };
  const absl::Status status =
      MergeLists<v1::ListPeersResponse, v1::Peer>(request, &AdminClient::ListPeers, items, deliver);
  if (!wanted) return absl::OkStatus();
  const bool by_id = request.sort() == v1::ListPeersRequest::SORT_ID && !request.descending();
  if (cut && by_id && !request.closed()) pager.page().set_next_page_token(last);
  pager.Flush();
  return status;
}

absl::Status FleetClient::ListTopics(const v1::ListTopicsRequest& request,
                                     const Each<v1::ListTopicsResponse>& each) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  if (cores_.size() == 1) return cores_[0].client->ListTopics(request, each);
  const bool by_name = request.sort() == v1::ListTopicsRequest::SORT_NAME;
  v1::ListTopicsRequest each_core = request;
  if (!by_name) {
    each_core.set_sort(v1::ListTopicsRequest::SORT_NAME);
    each_core.set_descending(false);
    each_core.set_limit(0);
  }
  std::vector<v1::Topic> found;  // the last may have more parts
  Pager<v1::ListTopicsResponse> pager(each);
  uint32_t told = 0;
  bool wanted = true;
  const auto tell = [&] {
    ++told;
    *pager.page().add_topics() = std::move(found.back());
    found.clear();
    return wanted = pager.Added();
  };
  const auto deliver = [&](v1::Topic topic) {
    if (!found.empty() && found.back().name() == topic.name()) {
      MergeTopic(topic, found.back());
      return true;
    }
    if (by_name && !found.empty() && !tell()) return false;
    if (by_name && request.limit() > 0 && told == request.limit()) return false;
    if (!by_name) Prune(request, found);
    found.push_back(std::move(topic));
    return true;
  };
  const absl::Status status = MergeLists<v1::ListTopicsResponse, v1::Topic>(
      each_core, &AdminClient::ListTopics,
      [](const v1::ListTopicsResponse& page, const std::string&) { return TopicsOf(page); },
      deliver);
  if (!wanted) return absl::OkStatus();
  if (!by_name) {
    Tell(request, std::move(found), each);
    return status;
  }
  if (!found.empty() && !tell()) return absl::OkStatus();
  pager.Flush();
  return status;
}

absl::Status FleetClient::ListFirstTopics(const v1::ListTopicsRequest& request,
                                          const Each<v1::ListTopicsResponse>& each) {
  using Topics = std::vector<v1::Topic>;
  const auto answers = AskAll<Topics>([&](AdminClient& core) -> absl::StatusOr<Topics> {
    Topics topics;
    absl::Status status = core.ListTopics(request, [&](const v1::ListTopicsResponse& page) {
      topics.insert(topics.end(), page.topics().begin(), page.topics().end());
      return true;
    });
    if (!status.ok()) return status;
    return topics;
  });
  if (!answers.ok()) return answers.status();
  std::map<std::string, v1::Topic> sums;
  for (const auto& [core, topics] : *answers) {
    for (const v1::Topic& topic : topics) {
      const auto [known, added] = sums.try_emplace(topic.name(), topic);
      if (!added) MergeTopic(topic, known->second);
    }
  }
  Topics merged;
  for (auto& [name, topic] : sums) merged.push_back(std::move(topic));
  Tell(request, std::move(merged), each);
  return absl::OkStatus();
}

// ---- feeds

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
