#include "server/server.h"

#include <absl/random/random.h>
#include <absl/status/statusor.h>
#include <grpc/grpc.h>

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
#include "core/router.h"
#include "edge/edge.h"
#include "server/core_role.h"
#include "server/credentials.h"
#include "server/direct_link.h"
#include "server/edge_setup.h"
#include "server/grpc_link_factory.h"
#include "server/library_logs.h"
#include "server/ops.h"
#include "server/process_setup.h"
#include "server/reload.h"
#include "server/service_manager.h"
#include "server/start_log.h"

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
  absl::Status StartEdge();
  absl::Status OpenOps();
  void StartOps();
  absl::StatusOr<edge::LinkFactory*> NewLinks();
  void TickCore();
  void ServeClients();
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
  std::unique_ptr<CoreRole> core_;  // null: the core is another process
  std::unique_ptr<edge::LinkFactory> links_;
  GrpcLinkFactory* grpc_links_ = nullptr;  // null: the core is this process
  std::unique_ptr<edge::Edge> edge_;
  std::unique_ptr<Ops> ops_;  // null: off
  std::string edge_name_;
  bool shutting_down_ = false;
  bool serving_ = false;  // the edge has been started
};

absl::Status Server::Start() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  AwaitSignal();
  if (absl::Status status = OpenOps(); !status.ok()) return status;
  if (options_.role != Role::kEdge) {
    core_ = std::make_unique<CoreRole>(options_, RandomId(), clock_);
    if (absl::Status status = core_->Start(); !status.ok()) return status;
  }
  if (options_.role != Role::kCore) {
    if (absl::Status status = StartEdge(); !status.ok()) return status;
  }
  // After the edge's line, because readers look for the clients' address first.
  if (core_) core_->LogPort();
  StartOps();
  return absl::OkStatus();
}

absl::StatusOr<edge::LinkFactory*> Server::NewLinks() {
  if (core_) {
    links_ = std::make_unique<DirectLinkFactory>(core_->core());
    return links_.get();
  }
  absl::StatusOr<std::unique_ptr<GrpcLinkFactory>> links =
      LoadLinks(options_, edge_name_, RandomId(), clock_);
  if (!links.ok()) return links.status();
  grpc_links_ = links->get();
  links_ = *std::move(links);
  return links_.get();
}

absl::Status Server::StartEdge() {
  absl::StatusOr<std::string> name = core_ ? options_.edge_name : EdgeNameOf(options_);
  if (!name.ok()) return name.status();
  edge_name_ = *std::move(name);
  absl::StatusOr<edge::EdgeOptions> edge_options = LoadEdgeOptions(options_, edge_name_);
  if (!edge_options.ok()) return edge_options.status();
  edge_options->listening_socket = std::move(listening_socket_);
  edge_options->on_drain_order = [this] {
    boost::asio::post(io_, [this] { BeginShutdown("operator"); });
  };
  const bool has_tls = edge_options->tls != nullptr;
  const bool open_to_all = !edge_options->tokens.required();
  absl::StatusOr<edge::LinkFactory*> links = NewLinks();
  if (!links.ok()) return links.status();
  absl::StatusOr<std::unique_ptr<edge::Edge>> edge =
      edge::Edge::Open(*std::move(edge_options), **links, clock_);
  if (!edge.ok()) return edge.status();
  edge_ = *std::move(edge);
  LogClientsPort(edge_->address(), has_tls, open_to_all, options_);
  if (!core_ || !core_->mesh()) ServeClients();
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
  OpsSubject subject;
  subject.edge = edge_.get();
  if (core_) {
    subject.core = &core_->core();
    subject.grpc = core_->grpc();
    subject.mesh = core_->mesh();
  }
  ops_->Start(subject);
  LogOpsPort(ops_->address());
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
    // Relays of clients would not reach other cores before this core has joined its fleet. New
    // connections wait in the socket's queue until then: 2 s at most once NATS is reachable.
    if (edge_ && !serving_)
      core_->IfJoined([this] { boost::asio::post(io_, [this] { ServeClients(); }); });
    TickCore();
  });
}

void Server::ServeClients() {
  if (edge_ && !shutting_down_ && !std::exchange(serving_, true)) edge_->Start();
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
  // A core that has not joined its fleet has no clients: it must not take any now.
  if (!edge_ || !serving_) return Shutdown();
  edge_->Drain(options_.drain, [this] { boost::asio::post(io_, [this] { Shutdown(); }); });
}

void Server::Shutdown() {
  ops_.reset();
  if (edge_ && serving_) edge_->Stop();
  edge_.reset();
  if (core_) core_->Stop();
  log::Info(log::Server(), "stopped");
  io_.stop();
}

void Server::Reload() {
  if (shutting_down_) return;
  NotifyReloading();
  ReloadCredentials(options_, {edge_.get(), core_ ? core_->grpc() : nullptr, grpc_links_,
                               ops_.get(), edge_name_});
  SayReady();
}

void Server::SayReady() {
  NotifyReady(edge_ ? "serving clients on " + edge_->address().ToString()
                    : "serving edges on " + core_->grpc()->address());
}

}  // namespace

int RunServer(const Options& options) {
  SetUpProcess();
  absl::StatusOr<UniqueFd> listening_socket = TakeListeningSocket();
  if (listening_socket.ok() && listening_socket->valid() && options.role == Role::kCore) {
    listening_socket = absl::InvalidArgumentError(
        "LISTEN_FDS: a socket was passed, but --role core serves no clients");
  }
  if (!listening_socket.ok()) {
    std::cerr << "error: " << listening_socket.status().message() << std::endl;
    return 1;
  }
  RouteProtobufLog();
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
