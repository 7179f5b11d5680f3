#include "server/server.h"

#include <absl/random/random.h>
#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <grpc/grpc.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/sanitizers.h"
#include "core/core.h"
#include "core/grpc_server.h"
#include "edge/edge.h"
#include "server/credentials.h"
#include "server/direct_link.h"
#include "server/grpc_link_factory.h"
#include "server/grpc_log.h"
#include "server/mesh.h"
#include "server/ops.h"
#include "server/process_setup.h"
#include "server/reload.h"
#include "server/service_manager.h"

namespace cairn::server {
namespace {

// How much longer than the drain a shutdown may take: for Close frames that clients do not answer,
// and the last acknowledgements.
constexpr absl::Duration kStopMargin = absl::Seconds(30);

// How long a shutdown waits for the log to be read.
constexpr absl::Duration kLastWords = absl::Seconds(1);

uint64_t RandomId() {
  absl::BitGen random;
  return absl::Uniform<uint64_t>(absl::IntervalClosed, random, 1, ~uint64_t{0});
}

class Server {
 public:
  // `listening_socket`: the clients' socket, if the service manager passed one.
  Server(const Options& options, UniqueFd listening_socket)
      : options_(options),
        listening_socket_(std::move(listening_socket)),
        signals_(io_),
        tick_(io_) {}

  absl::Status Start();
  void Run();

 private:
  absl::Status StartCore();
  absl::Status StartEdge();
  absl::Status OpenOps();
  void StartOps();
  absl::StatusOr<edge::LinkFactory*> NewLinks();
  void LogGrpc();
  void TickCore();
  void ServeClients();
  void ServeClientsOnceJoined();
  void AwaitSignal();
  void OnSignal(int number);
  void Reload();
  void SayReady();
  void BeginShutdown(const std::string& why);
  void Shutdown();

  const Options& options_;
  UniqueFd listening_socket_;
  const SystemClock clock_;
  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer tick_;
  // In the order of their dependencies.
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<Mesh> mesh_;  // null: the core is alone
  std::unique_ptr<core::GrpcServer> grpc_server_;
  std::unique_ptr<edge::LinkFactory> links_;
  GrpcLinkFactory* grpc_links_ = nullptr;  // null: the core is this process
  std::unique_ptr<edge::Edge> edge_;
  std::unique_ptr<Ops> ops_;  // null: off
  std::string grpc_failure_;
  std::string edge_name_;
  bool shutting_down_ = false;
  bool serving_ = false;  // the edge has been started
};

absl::Status Server::Start() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  AwaitSignal();
  if (absl::Status status = OpenOps(); !status.ok()) return status;
  if (options_.role != Role::kEdge) {
    if (absl::Status status = StartCore(); !status.ok()) return status;
  }
  if (options_.role != Role::kCore) {
    if (absl::Status status = StartEdge(); !status.ok()) return status;
  }
  LogGrpc();
  StartOps();
  return absl::OkStatus();
}

// Logged after the edge's line, because readers look for the clients' address first.
void Server::LogGrpc() {
  if (grpc_server_)
    log::Info(log::Core(), "listening",
              {{"grpc", grpc_server_->address()}, {"version", CAIRN_VERSION}});
  if (!grpc_failure_.empty()) {
    log::Warn(log::Core(), "grpc_not_listening",
              {{"error", log::Text(grpc_failure_)},
               {"hint", log::Text("cairn-admin cannot reach this process")}});
  }
}

absl::Status Server::StartCore() {
  const uint64_t core_id = RandomId();
  core_ = std::make_unique<core::Core>(core_id, options_.core_limits, clock_);
  if (!options_.mesh.urls.empty()) {
    core::NatsOptions mesh_options = options_.mesh;
    mesh_options.core_id = core_id;
    absl::StatusOr<std::unique_ptr<Mesh>> mesh =
        Mesh::Join(std::move(mesh_options), options_.core_name, *core_, clock_);
    if (!mesh.ok()) return mesh.status();
    mesh_ = *std::move(mesh);
  }
  if (absl::Status status = CheckGrpcExposure(options_); !status.ok()) return status;
  absl::StatusOr<core::AuthorityTokens> tokens = LoadAuthorityTokens(options_);
  if (!tokens.ok()) return tokens.status();
  core::GrpcOptions grpc_options;
  grpc_options.address = options_.grpc_listen_address;
  grpc_options.tokens = *std::move(tokens);
  absl::StatusOr<core::GrpcTls> tls = LoadGrpcTls(options_);
  if (!tls.ok()) return tls.status();
  grpc_options.tls = *std::move(tls);
  grpc_options.version = CAIRN_VERSION;
  grpc_options.name = options_.core_name;
  if (mesh_) grpc_options.fleet = &mesh_->fleet();
  if (PassesTokensInPlainText(options_)) {
    log::Warn(log::Core(), "grpc_in_plain_text",
              {{"hint", log::Text("anybody on the network path can read tokens and relays; set "
                                  "--grpc-tls-cert, -key and -ca")}});
  }
  auto server = core::GrpcServer::Start(grpc_options, *core_);
  if (server.ok()) {
    grpc_server_ = *std::move(server);
    return absl::OkStatus();
  }
  // While one `all` process takes over from another, both want the default port; clients do not
  // need it.
  if (options_.role == Role::kCore || options_.grpc_listen_address_given) return server.status();
  grpc_failure_ = std::string(server.status().message());
  return absl::OkStatus();
}

absl::StatusOr<edge::LinkFactory*> Server::NewLinks() {
  if (core_) {
    links_ = std::make_unique<DirectLinkFactory>(*core_);
    return links_.get();
  }
  GrpcLinkFactory::StreamOptions stream_options;
  const edge::CoreOrder order(options_.core_choice, edge_name_);
  std::vector<edge::CoreTarget> targets;
  for (const std::string& core : options_.cores) {
    absl::StatusOr<edge::CoreTarget> target = edge::CoreTarget::Parse(core);
    if (!target.ok())
      return absl::InvalidArgumentError(absl::StrCat("--core: ", target.status().message()));
    targets.push_back(*std::move(target));
  }
  absl::StatusOr<std::shared_ptr<const edge::CoreTls>> tls = LoadCoreTls(options_);
  if (!tls.ok()) return tls.status();
  absl::StatusOr<std::string> token = LoadEdgeToken(options_);
  if (!token.ok()) return token.status();
  stream_options.targets = order.Of(std::move(targets));
  stream_options.order = order;
  stream_options.failback = std::make_shared<edge::CoreFailback>(clock_, RandomId());
  stream_options.tls = *std::move(tls);
  stream_options.token = *std::move(token);
  stream_options.version = CAIRN_VERSION;
  edge::LaneLink::Options link_options;
  link_options.window = std::min(link_options.window, options_.limits.max_backlog_bytes);
  auto links = std::make_unique<GrpcLinkFactory>(std::move(stream_options), link_options, clock_);
  grpc_links_ = links.get();
  links_ = std::move(links);
  return links_.get();
}

absl::Status Server::StartEdge() {
  edge::EdgeOptions edge_options;
  edge_options.listen_address = options_.listen_address;
  edge_options.listening_socket = std::move(listening_socket_);
  edge_options.takes_over = options_.role == Role::kAll;
  edge_options.loops = options_.threads;
  absl::StatusOr<std::string> name = core_ ? options_.edge_name : EdgeNameOf(options_);
  if (!name.ok()) return name.status();
  edge_name_ = *name;
  edge_options.name = *std::move(name);
  edge_options.version = CAIRN_VERSION;
  edge_options.limits = options_.limits;
  edge_options.proxy_trust = options_.proxy_trust;
  edge_options.log_peers = options_.log_peers;
  edge_options.on_drain_order = [this] {
    boost::asio::post(io_, [this] { BeginShutdown("operator"); });
  };
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls = LoadClientTls(options_);
  if (!tls.ok()) return tls.status();
  edge_options.tls = *tls;
  absl::StatusOr<BearerTokens> tokens = LoadClientTokens(options_);
  if (!tokens.ok()) return tokens.status();
  const bool open_to_all = !tokens->required();
  edge_options.tokens = *std::move(tokens);
  absl::StatusOr<edge::LinkFactory*> links = NewLinks();
  if (!links.ok()) return links.status();
  absl::StatusOr<std::unique_ptr<edge::Edge>> edge =
      edge::Edge::Open(std::move(edge_options), **links, clock_);
  if (!edge.ok()) return edge.status();
  edge_ = *std::move(edge);
  log::Info(log::Edge(), "listening",
            {{"url", absl::StrCat(*tls ? "wss://" : "ws://", edge_->address().ToString())},
             {"role", Name(options_.role)},
             {"threads", options_.threads},
             {"version", CAIRN_VERSION}});
  if (open_to_all && !edge_->address().IsLoopback()) {
    const std::string hint = absl::StrCat(
        *tls ? "" : "no TLS, and ", "everybody who reaches this port may use it; set --auth-token");
    log::Warn(log::Edge(), "open_to_all", {{"hint", log::Text(hint)}});
  }
  if (!mesh_) ServeClients();
  return absl::OkStatus();
}

absl::Status Server::OpenOps() {
  if (!options_.ops_listen_address) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<Ops>> ops =
      Ops::Open(*options_.ops_listen_address, CAIRN_VERSION, Name(options_.role), clock_);
  if (!ops.ok()) return ops.status();
  ops_ = *std::move(ops);
  return absl::OkStatus();
}

// Last, so that the process accepts clients when the service manager is told "ready".
void Server::StartOps() {
  if (!ops_) return;
  ops_->Start({edge_.get(), core_.get(), grpc_server_.get(), mesh_.get()});
  log::Info(log::Server(), "listening",
            {{"ops", ops_->address().ToString()}, {"version", CAIRN_VERSION}});
}

void Server::Run() {
  if (core_) TickCore();
  SayReady();
  io_.run();
}

void Server::TickCore() {
  tick_.expires_after(std::chrono::microseconds(core::Router::kTickUs));
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    core_->Tick();
    if (mesh_) mesh_->fleet().Tick();
    if (edge_ && !serving_) ServeClientsOnceJoined();
    TickCore();
  });
}

void Server::ServeClients() {
  if (edge_ && !std::exchange(serving_, true)) edge_->Start();
}

// Before this core knows who is at the others, what its clients send would not reach them. Those
// who connect meanwhile wait in the socket's queue: for two seconds at most once the bus is there.
void Server::ServeClientsOnceJoined() {
  core::RouterInput ask = core::AdminCall{[this](core::Router& router) {
    if (router.mesh()->ready()) boost::asio::post(io_, [this] { ServeClients(); });
  }};
  core_->Enter(ask);
}

void Server::AwaitSignal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    OnSignal(number);
    AwaitSignal();
  });
}

void Server::OnSignal(int number) {
  if (number == SIGHUP) return Reload();
  if (shutting_down_) {
    log::Warn(log::Server(), "exit_now", {{"reason", log::Text("second signal")}});
    FlushLog(kLastWords);
    std::_Exit(0);
  }
  BeginShutdown(strsignal(number));
}

void Server::BeginShutdown(const std::string& why) {
  if (std::exchange(shutting_down_, true)) return;
  if (ops_) ops_->SetDraining();
  log::Info(
      log::Server(), "draining",
      {{"reason", log::Text(why)}, {"window", std::string(absl::FormatDuration(options_.drain))}});
  NotifyStopping(options_.drain + kStopMargin);
  if (!edge_) return Shutdown();
  ServeClients();
  edge_->Drain(options_.drain, [this] { boost::asio::post(io_, [this] { Shutdown(); }); });
}

void Server::Shutdown() {
  ops_.reset();
  if (edge_) edge_->Stop();
  edge_.reset();
  if (mesh_) mesh_->fleet().Stop();
  grpc_server_.reset();
  mesh_.reset();
  log::Info(log::Server(), "stopped");
  io_.stop();
}

void Server::Reload() {
  if (shutting_down_) return;
  NotifyReloading();
  ReloadCredentials(options_,
                    {edge_.get(), grpc_server_.get(), grpc_links_, ops_.get(), edge_name_});
  SayReady();
}

void Server::SayReady() {
  NotifyReady(edge_ ? "serving clients on " + edge_->address().ToString()
                    : "serving edges on " + grpc_server_->address());
}

}  // namespace

int RunServer(const Options& options) {
  SetUpProcess();
  if (!options.empty_variable.empty()) {
    std::cerr << "error: " << options.empty_variable
              << " is empty: give a value, or leave the variable out" << std::endl;
    return 1;
  }
  absl::StatusOr<UniqueFd> listening_socket = TakeListeningSocket();
  if (listening_socket.ok() && listening_socket->valid() && options.role == Role::kCore) {
    listening_socket = absl::InvalidArgumentError(
        "LISTEN_FDS: a socket was passed, but --role core serves no clients");
  }
  if (!listening_socket.ok()) {
    std::cerr << "error: " << listening_socket.status().message() << std::endl;
    return 1;
  }
  // Edges speak gRPC by themselves.
  if (options.role != Role::kEdge) {
    // Once for the life of the process: the last one to let go of gRPC waits for its pollers, up to
    // ten seconds.
    RouteGrpcLog();
    grpc_init();
  }
  // Never destroyed, so that its signal handlers stay: another SIGTERM during the last moments of a
  // successful shutdown must not turn it into a failure.
  static Server& server = *new Server(options, *std::move(listening_socket));
  if (const absl::Status status = server.Start(); !status.ok()) {
    std::cerr << "error: " << status.message() << std::endl;
    FlushLog(kLastWords);
    // Threads may already run; there is nothing to save.
    std::_Exit(1);
  }
  server.Run();
  FlushLog(kLastWords);
#ifndef CAIRN_SANITIZED
  // exit() would destroy what gRPC's threads still use.
  std::cout.flush();
  std::_Exit(0);
#endif
  return 0;
}

}  // namespace cairn::server
