#include "core/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <optional>
#include <utility>

#include "base/descriptor_limit.h"
#include "core/admin_service.h"
#include "core/grpc_acceptor.h"
#include "core/grpc_credentials.h"
#include "core/grpc_relay.h"
#include "core/grpc_socket.h"
#include "core/lane_port.h"
#include "core/lane_service.h"
#include "core/lone_poller.h"
#include "proto/link/link.h"

namespace cairn::core {
namespace {

// Callers ping the core so that they notice a dead connection within seconds; by default gRPC would
// treat that as abuse.
constexpr int kMinPingIntervalMs = 1000;
// A connection without a byte for so long is asked, and closed without an answer. The second one is
// longer: a watcher on a machine that is stopped for some seconds keeps its feed.
constexpr int kKeepaliveMs = 5'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr std::chrono::milliseconds kShutdownGrace{100};
// Of one connection: an edge makes one call on each, cairn-admin a few.
constexpr int kMaxStreams = 100;
constexpr int kTlsHandshakeMs = 5000;

// Limits what a caller can make gRPC do.
void Harden(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(link::kMaxMessageBytes + link::kMessageSlack));
  // gRPC would decompress a compressed message whatever its size is then.
  builder.SetDefaultCompressionAlgorithm(GRPC_COMPRESS_NONE);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kTlsHandshakeMs);
}

}  // namespace

struct GrpcServer::Parts {
  Parts(Core& owner, AuthorityTokens tokens, bool mutual_tls, GrpcSocket listening)
      : core(owner), authority(std::move(tokens), mutual_tls), socket(std::move(listening)) {}

  Core& core;  // borrowed
  Authority authority;
  const GrpcSocket socket;
  std::shared_ptr<ReloadableTls> tls;  // null: plaintext
  // Tracks calls until the server has shut down.
  std::unique_ptr<GrpcAcceptor> connections;
  // gRPC calls it until the server is destroyed.
  std::shared_ptr<grpc::ServerCredentials> credentials;
  std::unique_ptr<grpc::Service> lanes;
  std::unique_ptr<grpc::Service> admin;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  // Only for a Unix socket. It passes on the server's last bytes.
  std::unique_ptr<GrpcRelay> relay;
  std::unique_ptr<grpc::Server> server;
  std::optional<LonePoller> poller;
  std::unique_ptr<LanePort> lane_port;

  // The acceptor's thread.
  void HandOver(GrpcAcceptor::Arrival arrival) const {
    if (arrival.is_lane) {
      Caller caller;
      if (authority.Check(arrival.credentials, Capability::kOpenLane, &caller).ok()) {
        return lane_port->Adopt(std::move(arrival.socket), std::move(arrival.received),
                                std::move(arrival.credentials), std::move(caller));
      }
      // gRPC's service refuses the others. It cannot go on with TLS that is not its own, whose
      // credential has just been revoked.
      if (arrival.socket.ssl()) return;
    }
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    UniqueFd fd = arrival.socket.TakeFd();
    if (relay) {
      fd = relay->Connect(std::move(fd), std::exchange(arrival.received, ""), tls != nullptr);
      if (!fd.valid()) return;
    }
    connection.fd = fd.Release();
    if (!arrival.received.empty()) {
      const grpc::Slice bytes(arrival.received);
      connection.read_buffer = grpc::ByteBuffer(&bytes, 1);
    }
    acceptor->HandleNewConnection(&connection);
  }
};

GrpcServer::GrpcServer() = default;

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcOptions& options,
                                                              Core& core) {
  const auto tls =
      options.tls.on()
          ? std::make_shared<ReloadableTls>(std::make_shared<const GrpcTls>(options.tls))
          : nullptr;
  absl::StatusOr<GrpcSocket> socket = GrpcSocket::Open(options.address);
  if (!socket.ok()) return socket.status();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<GrpcServer> result(new GrpcServer());
  result->parts_ =
      std::make_unique<Parts>(core, options.tokens, options.tls.on(), *std::move(socket));
  result->parts_->tls = tls;
  if (tls) result->parts_->authority.SetCertificates({options.tls.ca, options.tls.revoked});
  Parts& parts = *result->parts_;
  parts.lanes = NewLaneService(core, parts.authority);
  parts.admin =
      NewAdminService(core, parts.authority, options.name, options.version, options.fleet);
  grpc::ServerBuilder builder;
  parts.credentials = tls ? NewReloadableCredentials(tls) : grpc::InsecureServerCredentials();
  parts.acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, parts.credentials);
  builder.RegisterService(parts.lanes.get());
  builder.RegisterService(parts.admin.get());
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  Harden(builder);
  parts.server = builder.BuildAndStart();
  if (!parts.server) return absl::UnavailableError("gRPC does not start");
  if (parts.socket.is_unix()) parts.relay = std::make_unique<GrpcRelay>(core.clock());
  parts.poller.emplace();
  parts.lane_port = std::make_unique<LanePort>(core, parts.authority, options.guest);
  result->address_ = parts.socket.address();
  parts.connections = std::make_unique<GrpcAcceptor>(
      parts.socket, parts.authority, tls.get(),
      [&parts](GrpcAcceptor::Arrival arrival) { parts.HandOver(std::move(arrival)); },
      AcceptorBounds::Of(DescriptorLimit()), core.clock());
  parts.authority.OnKnown(
      [&acceptor = *parts.connections](const std::string& peer) { acceptor.Admit(peer); });
  parts.connections->Start();
  return result;
}

GrpcServer::~GrpcServer() {
  if (!parts_ || !parts_->server) return;
  // gRPC would leave connections that arrive now open.
  parts_->connections->Stop();
  RouterInput stopping = CoreStopping{};
  parts_->core.Enter(stopping);
  parts_->lane_port.reset();
  parts_->poller.reset();
  parts_->server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
}

size_t GrpcServer::SetTls(GrpcTls tls) {
  if (!parts_->tls) return 0;
  CertificateRules rules = {tls.ca, tls.revoked};
  parts_->tls->Set(std::make_shared<const GrpcTls>(std::move(tls)));
  return parts_->authority.SetCertificates(std::move(rules));
}

ConnectionRefusalValues GrpcServer::RefusedConnections() const {
  return parts_->connections->Refused();
}

size_t GrpcServer::SetTokens(AuthorityTokens tokens) {
  return parts_->authority.SetTokens(std::move(tokens));
}

}  // namespace cairn::core
