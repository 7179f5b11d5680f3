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
    *response = fake_.status;
    return Begin(context);
  }
  Status ListPeers(ServerContext* context, const ListPeersRequest* request,
                   ServerWriter<ListPeersResponse>* writer) override {
    fake_.list_peers = *request;
    Status begun = Begin(context);
    constexpr size_t kPageSize = 2;
    for (size_t i = 0; begun.ok() && i < fake_.peers.size(); i += kPageSize) {
      ListPeersResponse page;
      const size_t end = std::min(i + kPageSize, fake_.peers.size());
      for (size_t j = i; j < end; ++j) *page.add_peers() = fake_.peers[j];
      if (end == fake_.peers.size()) page.set_next_page_token(fake_.next_page_token);
      writer->Write(page);
    }
    return begun;
  }
  Status GetPeer(ServerContext* context, const GetPeerRequest* request, Peer* response) override {
    if (Status begun = Begin(context); !begun.ok()) return begun;
    for (const Peer& peer : fake_.peers) {
      if (peer.id() != request->id()) continue;
      *response = peer;
      return Status::OK;
    }
    return Status(grpc::StatusCode::NOT_FOUND, "no peer has this id");
  }
  Status Disconnect(ServerContext* context, const DisconnectRequest* request,
                    DisconnectResponse* response) override {
    fake_.disconnects.push_back(*request);
    response->set_disconnected(fake_.disconnected);
    return Begin(context);
  }
  Status ListTopics(ServerContext* context, const ListTopicsRequest* request,
                    ServerWriter<ListTopicsResponse>* writer) override {
    fake_.list_topics = *request;
    ListTopicsResponse page;
    for (const Topic& topic : fake_.topics) *page.add_topics() = topic;
    writer->Write(page);
    return Begin(context);
  }
  Status GetTopic(ServerContext* context, const GetTopicRequest* request,
                  Topic* response) override {
    if (Status begun = Begin(context); !begun.ok()) return begun;
    for (const Topic& topic : fake_.topics) {
      if (topic.name() != request->name()) continue;
      *response = topic;
      return Status::OK;
    }
    return Status(grpc::StatusCode::NOT_FOUND, "nobody is subscribed");
  }
  Status ListEdges(ServerContext* context, const ListEdgesRequest*,
                   ListEdgesResponse* response) override {
    for (const EdgeInfo& edge : fake_.edges) *response->add_edges() = edge;
    return Begin(context);
  }
  Status DrainEdge(ServerContext* context, const DrainEdgeRequest* request,
                   DrainEdgeResponse* response) override {
    fake_.drained.push_back(request->edge());
    for (const EdgeInfo& edge : fake_.edges) {
      if (edge.edge() != request->edge()) continue;
      response->set_peers(edge.peers());
      return Begin(context);
    }
    return Status(grpc::StatusCode::NOT_FOUND, "no edge has this name");
  }
  Status Watch(ServerContext* context, const WatchRequest* request,
               ServerWriter<Event>* writer) override {
    fake_.watch = *request;
    for (const Event& event : fake_.events) writer->Write(event);
    return Hold(context);
  }
  Status Trace(ServerContext* context, const TraceRequest* request,
               ServerWriter<TraceRecord>* writer) override {
    fake_.trace = *request;
    for (const TraceRecord& record : fake_.records) writer->Write(record);
    return Hold(context);
  }
  Status SetLogLevel(ServerContext* context, const SetLogLevelRequest* request,
                     SetLogLevelResponse* response) override {
    fake_.directives = request->directives();
    response->set_previous("info");
    return Begin(context);
  }

 private:
  Status Begin(ServerContext* context) {
    const auto& metadata = context->client_metadata();
    const auto token = metadata.find("authorization");
    fake_.authorization =
        token == metadata.end() ? "" : std::string(token->second.data(), token->second.size());
    if (fake_.hangs) return Hold(context);
    return Status(static_cast<grpc::StatusCode>(fake_.refusal.code()),
                  std::string(fake_.refusal.message()));
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
