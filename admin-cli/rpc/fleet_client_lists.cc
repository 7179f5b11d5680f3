// FleetClient: lists of all cores, merged as they come.
#include <absl/status/status.h>

#include <atomic>
#include <memory>
#include <utility>

#include "admin-cli/rpc/fleet_client.h"
#include "admin-cli/rpc/fleet_merge.h"
#include "admin-cli/rpc/fleet_pages.h"

namespace cairn::admin {
namespace {

std::vector<v1::Topic> TopicsOf(const v1::ListTopicsResponse& page) {
  return {page.topics().begin(), page.topics().end()};
}

void Tell(const v1::ListTopicsRequest& request, std::vector<v1::Topic> topics,
          const AdminClient::Each<v1::ListTopicsResponse>& each) {
  SortFirst(request, topics);
  Pager<v1::ListTopicsResponse> pager(each);
  for (v1::Topic& topic : topics) {
    *pager.page().add_topics() = std::move(topic);
    if (!pager.Added()) return;
  }
  pager.Flush();
}

}  // namespace

template <typename Item, typename Request, typename Items, typename Deliver>
absl::Status FleetClient::MergeLists(const Request& request, Items items, Deliver deliver) {
  using Page = AnswerTo<Request>;
  using Source = PageSource<Page, Item>;
  std::vector<std::unique_ptr<Source>> sources;
  for (const Core& core : cores_) {
    sources.push_back(std::make_unique<Source>(
        [client = core.client.get(), &request](const typename Source::Each& each) {
          return client->Stream(request, each);
        },
        [&items, name = core.info.name()](const Page& page) { return items(page, name); }));
  }
  bool all = true;
  Merge(
      sources, [&](const Item& a, const Item& b) { return ComesBefore(request, a, b); },
      [&](Item item) { return all = deliver(std::move(item)); });
  if (!all) return absl::OkStatus();
  for (size_t i = 0; i < sources.size(); ++i) {
    absl::Status status = sources[i]->status();
    if (!status.ok() && !IsMissing(cores_[i].info, status)) return status;
  }
  return absl::OkStatus();
}

absl::Status FleetClient::Stream(const v1::ListPeersRequest& request,
                                 const Each<v1::ListPeersResponse>& each) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  if (cores_.size() == 1) return cores_[0].client->Stream(request, each);
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
  absl::Status status = MergeLists<v1::Peer>(request, items, deliver);
  if (!wanted) return absl::OkStatus();
  const bool by_id = request.sort() == v1::ListPeersRequest::SORT_ID && !request.descending();
  if (cut && by_id && !request.closed()) pager.page().set_next_page_token(last);
  pager.Flush();
  return status;
}

absl::Status FleetClient::Stream(const v1::ListTopicsRequest& request,
                                 const Each<v1::ListTopicsResponse>& each) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  if (cores_.size() == 1) return cores_[0].client->Stream(request, each);
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
  absl::Status status = MergeLists<v1::Topic>(
      each_core,
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

}  // namespace cairn::admin
