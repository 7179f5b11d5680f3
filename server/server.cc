#include "server/server.h"

#include <absl/random/random.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "core/core.h"
#include "core/grpc_server.h"
#include "edge/edge.h"
#include "edge/grpc_core_link.h"
#include "server/direct_link.h"

namespace cairn::server {
namespace {

// A link to a core that has vanished without a word is given up after these two together.
constexpr int kKeepaliveTimeMs = 5000;
constexpr int kKeepaliveTimeoutMs = 5000;
// gRPC's own reconnect back-off; GrpcCoreLink has one of its own on top.
constexpr int kMinReconnectMs = 50;
constexpr int kMaxReconnectMs = 1000;

class GrpcLinkFactory final : public edge::LinkFactory {
 public:
  GrpcLinkFactory(std::string target, size_t max_backlog_bytes) : target_(std::move(target)) {
    options_.max_backlog_bytes = max_backlog_bytes;
  }

  std::unique_ptr<edge::CoreLink> NewLink(const edge::LaneIdentity& identity, edge::CoreLinkListener& listener,
                                          edge::LoopExecutor& executor) override {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kMinReconnectMs);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kMinReconnectMs);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
    // A connection per lane: their streams share no lock and no flow control.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    auto channel = grpc::CreateCustomChannel(target_, grpc::InsecureChannelCredentials(), arguments);
    return std::make_unique<edge::GrpcCoreLink>(std::move(channel), identity, listener, executor, options_);
  }

 private:
  const std::string target_;
  edge::GrpcCoreLink::Options options_;
};

uint64_t RandomId() {
  absl::BitGen random;
  return absl::Uniform<uint64_t>(absl::IntervalClosed, random, 1, ~uint64_t{0});
}

// Each connection is an open file; the soft limit is often 1,024.
void RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

absl::StatusOr<BearerTokens> LoadTokens(const Options& options) {
  if (options.auth_token && !options.auth_token_file.empty()) {
    return absl::InvalidArgumentError("give --auth-token or --auth-token-file, not both");
  }
  if (!options.auth_token_file.empty()) {
    absl::StatusOr<BearerTokens> tokens = BearerTokens::FromFile(options.auth_token_file);
    if (tokens.ok()) return tokens;
    return absl::InvalidArgumentError(absl::StrCat("--auth-token-file: ", tokens.status().message()));
  }
  if (!options.auth_token) return BearerTokens();
  absl::StatusOr<BearerTokens> tokens = BearerTokens::FromToken(*options.auth_token);
  if (tokens.ok()) return tokens;
  return absl::InvalidArgumentError(
      absl::StrCat("--auth-token: ", tokens.status().message(), "; leave it out to let everybody in"));
}

absl::StatusOr<std::shared_ptr<const TlsContext>> LoadTls(const Options& options) {
  if (options.tls_cert.empty() && options.tls_key.empty()) return std::shared_ptr<const TlsContext>();
  if (options.tls_key.empty()) {
    return absl::InvalidArgumentError("--tls-cert is given without --tls-key (CAIRN_SIGNAL_TLS_KEY); give both or neither");
  }
  if (options.tls_cert.empty()) {
    return absl::InvalidArgumentError("--tls-key is given without --tls-cert (CAIRN_SIGNAL_TLS_CERT); give both or neither");
  }
  return TlsContext::Load(options.tls_cert, options.tls_key);
}

// Whoever reaches the port is taken for an edge, so only this machine may.
absl::Status CheckGrpcAddress(const Options& options) {
  const std::string& address = options.grpc_listen_address;
  if (absl::StartsWith(address, "unix:") || options.grpc_insecure) return absl::OkStatus();
  absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(address);
  if (!parsed.ok()) return absl::InvalidArgumentError(absl::StrCat("--grpc-listen-addr: ", parsed.status().message(), " or unix:PATH"));
  if (parsed->IsLoopback()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "--grpc-listen-addr ", address, " can be reached from elsewhere, and whoever reaches it is taken for an edge; "
      "listen on loopback or unix:PATH, or say --grpc-insecure where the network itself keeps others out"));
}

class Server {
 public:
  explicit Server(const Options& options) : options_(options), signals_(io_) {}

  absl::Status Start();
  void Run();

 private:
  absl::Status StartCore();
  absl::Status StartEdge();
  void AwaitSignal();
  void OnSignal(int number);
  void Reload();
  void Shutdown();

  const Options& options_;
  const SystemClock clock_;
  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
  // In the order in which they may use each other.
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<core::GrpcServer> grpc_server_;
  std::unique_ptr<DirectLinkFactory> direct_links_;
  std::unique_ptr<GrpcLinkFactory> grpc_links_;
  std::unique_ptr<edge::Edge> edge_;
  bool shutting_down_ = false;
};

absl::Status Server::Start() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  AwaitSignal();
  if (options_.role != Role::kEdge) {
    if (absl::Status status = StartCore(); !status.ok()) return status;
  }
  if (options_.role != Role::kCore) return StartEdge();
  return absl::OkStatus();
}

absl::Status Server::StartCore() {
  core_ = std::make_unique<core::Core>(RandomId());
  if (options_.grpc_listen_address.empty()) return absl::OkStatus();
  if (absl::Status status = CheckGrpcAddress(options_); !status.ok()) return status;
  auto server = core::GrpcServer::Start(options_.grpc_listen_address, *core_, core::CoreLimits());
  if (!server.ok()) return server.status();
  grpc_server_ = *std::move(server);
  log::Core().info("listening grpc={}", grpc_server_->address());
  return absl::OkStatus();
}

absl::Status Server::StartEdge() {
  edge::EdgeOptions edge_options;
  edge_options.listen_address = options_.listen_address;
  edge_options.loops = options_.threads;
  edge_options.name = options_.edge_name;
  edge_options.limits = options_.limits;
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls = LoadTls(options_);
  if (!tls.ok()) return tls.status();
  edge_options.tls = *tls;
  absl::StatusOr<BearerTokens> tokens = LoadTokens(options_);
  if (!tokens.ok()) return tokens.status();
  const bool open_to_all = !tokens->required();
  edge_options.tokens = *std::move(tokens);

  edge::LinkFactory* links = nullptr;
  if (core_) {
    direct_links_ = std::make_unique<DirectLinkFactory>(*core_);
    links = direct_links_.get();
  } else {
    grpc_links_ = std::make_unique<GrpcLinkFactory>(options_.core, options_.limits.max_backlog_bytes);
    links = grpc_links_.get();
  }
  absl::StatusOr<std::unique_ptr<edge::Edge>> edge = edge::Edge::Open(std::move(edge_options), *links, clock_);
  if (!edge.ok()) return edge.status();
  edge_ = *std::move(edge);
  log::Edge().info("listening url={}://{} role={} threads={} version=" CAIRN_VERSION, *tls ? "wss" : "ws",
                   edge_->address().ToString(), core_ ? "all" : "edge", options_.threads);
  if (open_to_all && !edge_->address().IsLoopback()) {
    log::Edge().warn("open_to_all hint=\"{}everybody who reaches this port may use it; set --auth-token\"",
                     *tls ? "" : "no TLS, and ");
  }
  edge_->Start();
  return absl::OkStatus();
}

void Server::Run() { io_.run(); }

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
    log::Server().warn("exit_now reason=\"second signal\"");
    std::_Exit(0);
  }
  shutting_down_ = true;
  log::Server().info("draining signal={} window={}", strsignal(number), absl::FormatDuration(options_.drain));
  if (!edge_) return Shutdown();
  edge_->Drain(options_.drain, [this] { boost::asio::post(io_, [this] { Shutdown(); }); });
}

void Server::Shutdown() {
  if (edge_) edge_->Stop();
  edge_.reset();
  grpc_server_.reset();
  log::Server().info("stopped");
  io_.stop();
}

void Server::Reload() {
  if (!edge_ || shutting_down_) return;
  if (!options_.auth_token_file.empty()) {
    absl::StatusOr<BearerTokens> tokens = LoadTokens(options_);
    if (tokens.ok()) {
      log::Server().info("reloaded what=tokens count={}", tokens->size());
      edge_->SetTokens(*std::move(tokens));
    } else {
      log::Server().error("reload_failed what=tokens error=\"{}\" hint=\"the old ones stay in use\"",
                          std::string(tokens.status().message()));
    }
  }
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls = LoadTls(options_);
  if (!tls.ok()) {
    log::Server().error("reload_failed what=tls error=\"{}\" hint=\"the old certificate stays in use\"",
                        std::string(tls.status().message()));
  } else if (*tls) {
    log::Server().info("reloaded what=tls");
    edge_->SetTls(*std::move(tls));
  }
}

}  // namespace

int RunServer(const Options& options) {
  std::signal(SIGPIPE, SIG_IGN);
  RaiseFileLimit();
  Server server(options);
  if (const absl::Status status = server.Start(); !status.ok()) {
    std::cerr << "error: " << status.message() << std::endl;
    // Threads may run already; there is nothing to save.
    std::_Exit(1);
  }
  server.Run();
  return 0;
}

}  // namespace cairn::server
