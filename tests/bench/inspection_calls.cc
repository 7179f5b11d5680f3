#include "tests/bench/inspection_calls.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/peer_id.h"
#include "tests/bench/bench_clock.h"
#include "tests/bench/population.h"

namespace cairn::bench {

namespace v1 = signaling::v1;

namespace {

constexpr size_t kListings = 5;
constexpr size_t kUnaryCalls = 300;
constexpr size_t kTopCalls = 20;
constexpr size_t kTopicCalls = 50;
constexpr uint32_t kRows = 24;  // of a usual terminal

void CheckOk(const grpc::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "inspection_bench: %s\n", status.error_message().c_str());
  std::exit(2);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

double MsSince(int64_t start_ns) { return static_cast<double>(NowNs() - start_ns) / 1e6; }

// `list` calls its argument for every page and returns how many entries came.
ListingFigures TimeListing(std::string what,
                           const std::function<size_t(const std::function<void()>&)>& list) {
  ListingFigures figures;
  figures.what = std::move(what);
  std::vector<double> first, whole;
  for (size_t i = 0; i < kListings; ++i) {
    const int64_t start_ns = NowNs();
    double first_ms = 0;
    figures.entries = list([&] {
      if (first_ms == 0) first_ms = MsSince(start_ns);
    });
    whole.push_back(MsSince(start_ns));
    first.push_back(first_ms);
  }
  figures.first_ms = Median(first);
  figures.whole_ms = Median(whole);
  return figures;
}

UnaryFigures TimeCalls(std::string what, size_t calls, const std::function<void(size_t)>& call) {
  UnaryFigures figures;
  figures.what = std::move(what);
  for (size_t i = 0; i < calls; ++i) {
    const int64_t start_ns = NowNs();
    call(i);
    figures.latencies.Add(NowNs() - start_ns);
  }
  return figures;
}

v1::ListPeersRequest Sorted(v1::ListPeersRequest::Sort sort, uint32_t limit) {
  v1::ListPeersRequest request;
  request.set_sort(sort);
  request.set_descending(true);
  request.set_limit(limit);
  return request;
}

v1::ListTopicsRequest TopTopics(v1::ListTopicsRequest::Sort sort) {
  v1::ListTopicsRequest request;
  request.set_sort(sort);
  request.set_descending(true);
  request.set_limit(kRows);
  return request;
}

}  // namespace

InspectionCalls::InspectionCalls(const CoreProcess& core)
    : stub_(v1::Admin::NewStub(core.Connect())) {}

v1::GetStatusResponse InspectionCalls::Status() {
  grpc::ClientContext context;
  v1::GetStatusResponse response;
  CheckOk(stub_->GetStatus(&context, {}, &response));
  return response;
}

size_t InspectionCalls::ListPeers(const v1::ListPeersRequest& request,
                                  const std::function<void()>& on_page) {
  grpc::ClientContext context;
  const auto reader = stub_->ListPeers(&context, request);
  size_t entries = 0;
  for (v1::ListPeersResponse page; reader->Read(&page);) {
    entries += static_cast<size_t>(page.peers_size());
    on_page();
  }
  CheckOk(reader->Finish());
  return entries;
}

size_t InspectionCalls::ListTopics(const v1::ListTopicsRequest& request,
                                   const std::function<void()>& on_page) {
  grpc::ClientContext context;
  const auto reader = stub_->ListTopics(&context, request);
  size_t entries = 0;
  for (v1::ListTopicsResponse page; reader->Read(&page);) {
    entries += static_cast<size_t>(page.topics_size());
    on_page();
  }
  CheckOk(reader->Finish());
  return entries;
}

std::vector<std::string> InspectionCalls::PeerIds() {
  grpc::ClientContext context;
  const auto reader = stub_->ListPeers(&context, {});
  std::vector<std::string> ids;
  for (v1::ListPeersResponse page; reader->Read(&page);) {
    for (const v1::Peer& peer : page.peers()) ids.push_back(peer.id());
  }
  CheckOk(reader->Finish());
  return ids;
}

void InspectionCalls::Top() {
  Status();
  grpc::ClientContext context;
  v1::ListEdgesResponse edges;
  CheckOk(stub_->ListEdges(&context, {}, &edges));
  ListTopics(TopTopics(v1::ListTopicsRequest::SORT_RATE));
  ListPeers(Sorted(v1::ListPeersRequest::SORT_BYTES_IN, kRows));
}

v1::Topic InspectionCalls::Topic(const std::string& name) {
  grpc::ClientContext context;
  v1::GetTopicRequest request;
  request.set_name(name);
  v1::Topic response;
  CheckOk(stub_->GetTopic(&context, request, &response));
  return response;
}

v1::Peer InspectionCalls::Peer(const std::string& id) {
  grpc::ClientContext context;
  v1::GetPeerRequest request;
  request.set_id(id);
  v1::Peer response;
  CheckOk(stub_->GetPeer(&context, request, &response));
  return response;
}

std::vector<ListingFigures> InspectionCalls::TimeListings() {
  std::vector<ListingFigures> all;
  const auto peers = [&](const char* what, const v1::ListPeersRequest& request) {
    all.push_back(TimeListing(what, [&](const auto& page) { return ListPeers(request, page); }));
  };
  const auto topics = [&](const char* what, const v1::ListTopicsRequest& request) {
    all.push_back(TimeListing(what, [&](const auto& page) { return ListTopics(request, page); }));
  };
  v1::ListPeersRequest request;
  peers("ListPeers: all, by id", request);
  request.set_with_topics(true);
  peers("ListPeers: all, with topics", request);
  peers("ListPeers: all, by messages", Sorted(v1::ListPeersRequest::SORT_MESSAGES_IN, 0));
  peers("ListPeers: the 24 with most bytes", Sorted(v1::ListPeersRequest::SORT_BYTES_IN, kRows));
  request.Clear();
  request.mutable_filter()->set_topic(TopicAt(1000, 0));
  peers("ListPeers: of a topic of 1,000", request);
  request.Clear();
  request.mutable_filter()->set_address_prefix("10.0.0.77:");
  peers("ListPeers: of an address", request);
  request.Clear();
  request.set_closed(true);
  peers("ListPeers: closed", request);
  topics("ListTopics: all, by name", {});
  topics("ListTopics: the 24 with most subscribers",
         TopTopics(v1::ListTopicsRequest::SORT_SUBSCRIBERS));
  return all;
}

std::vector<UnaryFigures> InspectionCalls::TimeUnary() {
  std::vector<UnaryFigures> all;
  const std::vector<std::string> ids = PeerIds();
  all.push_back(TimeCalls("GetStatus", kUnaryCalls, [this](size_t) { Status(); }));
  all.push_back(TimeCalls("what `cairn-admin top` asks", kTopCalls, [this](size_t) { Top(); }));
  all.push_back(
      TimeCalls("GetPeer", kUnaryCalls, [&](size_t i) { Peer(ids[i * 7 % ids.size()]); }));
  all.push_back(
      TimeCalls("GetTopic: of 2", kTopicCalls, [this](size_t i) { Topic(TopicAt(2, i * 7)); }));
  all.push_back(TimeCalls("GetTopic: of 1,000", kTopicCalls,
                          [this](size_t i) { Topic(TopicAt(1000, i * 7)); }));
  return all;
}

}  // namespace cairn::bench
