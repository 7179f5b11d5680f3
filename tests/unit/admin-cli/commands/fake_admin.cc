#include "tests/unit/admin-cli/commands/fake_admin.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/check.h"
#include "signaling/v1/admin.grpc.pb.h"

namespace cairn::admin {

using namespace signaling::v1;  // NOLINT: a service names all of them
using grpc::ServerContext;
using grpc::ServerWriter;
using grpc::Status;

class FakeAdmin::Service final : public Admin::Service {
 public:
  explicit Service(FakeAdmin& fake) : fake_(fake) {}

  Status GetStatus(ServerContext* context, const GetStatusRequest*,
                   GetStatusResponse* response) override {
    *response = At(context).status;
    return Begin(context);
  }
  Status ListPeers(ServerContext* context, const ListPeersRequest* request,
                   ServerWriter<ListPeersResponse>* writer) override {
    At(context).list_peers = *request;
    Status begun = Begin(context);
    constexpr size_t kPageSize = 2;
    for (size_t i = 0; begun.ok() && i < At(context).peers.size(); i += kPageSize) {
      ListPeersResponse page;
      const size_t end = std::min(i + kPageSize, At(context).peers.size());
      for (size_t j = i; j < end; ++j) *page.add_peers() = At(context).peers[j];
      if (end == At(context).peers.size()) page.set_next_page_token(At(context).next_page_token);
      writer->Write(page);
    }
    return begun;
  }
  Status GetPeer(ServerContext* context, const GetPeerRequest* request, Peer* response) override {
    if (Status begun = Begin(context); !begun.ok()) return begun;
    for (const Peer& peer : At(context).peers) {
      if (peer.id() != request->id()) continue;
      *response = peer;
      return Status::OK;
    }
    return Status(grpc::StatusCode::NOT_FOUND, "no peer has this id");
  }
  Status Disconnect(ServerContext* context, const DisconnectRequest* request,
                    DisconnectResponse* response) override {
    At(context).disconnects.push_back(*request);
    response->set_disconnected(At(context).disconnected);
    return Begin(context);
  }
  Status ListTopics(ServerContext* context, const ListTopicsRequest* request,
                    ServerWriter<ListTopicsResponse>* writer) override {
    At(context).list_topics = *request;
    ListTopicsResponse page;
    for (const Topic& topic : At(context).topics) *page.add_topics() = topic;
    writer->Write(page);
    return Begin(context);
  }
  Status GetTopic(ServerContext* context, const GetTopicRequest* request,
                  Topic* response) override {
    if (Status begun = Begin(context); !begun.ok()) return begun;
    for (const Topic& topic : At(context).topics) {
      if (topic.name() != request->name()) continue;
      *response = topic;
      return Status::OK;
    }
    return Status(grpc::StatusCode::NOT_FOUND, "nobody is subscribed");
  }
  Status ListEdges(ServerContext* context, const ListEdgesRequest*,
                   ListEdgesResponse* response) override {
    for (const EdgeInfo& edge : At(context).edges) *response->add_edges() = edge;
    return Begin(context);
  }
  Status DrainEdge(ServerContext* context, const DrainEdgeRequest* request,
                   DrainEdgeResponse* response) override {
    At(context).drained.push_back(request->edge());
    for (const EdgeInfo& edge : At(context).edges) {
      if (edge.edge() != request->edge()) continue;
      response->set_peers(edge.peers());
      return Begin(context);
    }
    return Status(grpc::StatusCode::NOT_FOUND, "no edge has this name");
  }
  Status Watch(ServerContext* context, const WatchRequest* request,
               ServerWriter<Event>* writer) override {
    At(context).watch = *request;
    for (const Event& event : At(context).events) writer->Write(event);
    return Hold(context);
  }
  Status Trace(ServerContext* context, const TraceRequest* request,
               ServerWriter<TraceRecord>* writer) override {
    At(context).trace = *request;
    for (const TraceRecord& record : At(context).records) writer->Write(record);
    return Hold(context);
  }
  Status SetLogLevel(ServerContext* context, const SetLogLevelRequest* request,
                     SetLogLevelResponse* response) override {
    At(context).directives = request->directives();
    response->set_previous("info");
    return Begin(context);
  }

  // Only of the one that was asked.
  Status ListCores(ServerContext* context, const ListCoresRequest*,
                   ListCoresResponse* response) override {
    if (fake_.cores.empty()) return Status(grpc::StatusCode::UNIMPLEMENTED, "an older core");
    response->set_fleet("test");
    response->set_bus_up(true);
    for (const CoreInfo& core : fake_.cores) *response->add_cores() = core;
    return Begin(context);
  }

 private:
  // The core that the call is for.
  FakeAdmin& At(ServerContext* context) {
    const auto core = context->client_metadata().find("cairn-core");
    if (core == context->client_metadata().end()) return fake_;
    return *fake_.others.at(std::string(core->second.data(), core->second.size()));
  }
  Status Begin(ServerContext* context) {
    FakeAdmin& fake = At(context);
    const auto& metadata = context->client_metadata();
    const auto token = metadata.find("authorization");
    fake.authorization =
        token == metadata.end() ? "" : std::string(token->second.data(), token->second.size());
    if (fake.hangs) return Hold(context);
    return Status(static_cast<grpc::StatusCode>(fake.refusal.code()),
                  std::string(fake.refusal.message()));
  }
  static Status Hold(ServerContext* context) {
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Status::CANCELLED;
  }

  FakeAdmin& fake_;
};

struct FakeAdmin::Parts {
  explicit Parts(FakeAdmin& fake) : service(fake) {}

  std::filesystem::path directory;
  Service service;
  std::unique_ptr<grpc::Server> server;
};

FakeAdmin::FakeAdmin() : parts_(std::make_unique<Parts>(*this)) {
  std::string name = std::filesystem::temp_directory_path() / "cairn-admin-XXXXXX";
  CAIRN_CHECK(mkdtemp(name.data()) != nullptr);
  parts_->directory = name;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
  builder.RegisterService(&parts_->service);
  parts_->server = builder.BuildAndStart();
  CAIRN_CHECK(parts_->server != nullptr);
}

FakeAdmin::~FakeAdmin() {
  parts_->server->Shutdown(std::chrono::system_clock::now());
  parts_->server->Wait();
  std::filesystem::remove_all(parts_->directory);
}

std::string FakeAdmin::address() const { return "unix:" + (parts_->directory / "core").string(); }

}  // namespace cairn::admin
