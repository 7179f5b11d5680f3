#include "server/grpc_link_factory.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

namespace cairn::server {
namespace {

// A core that has vanished without a word is given up after these two together.
constexpr int kKeepaliveTimeMs = 5000;
constexpr int kKeepaliveTimeoutMs = 5000;
// gRPC's own reconnect back-off; GrpcCoreLink has one of its own on top.
constexpr int kMinReconnectMs = 50;
constexpr int kMaxReconnectMs = 1000;

}  // namespace

GrpcLinkFactory::GrpcLinkFactory(std::string target,
                                 std::shared_ptr<grpc::ChannelCredentials> credentials,
                                 std::string token, edge::GrpcCoreLink::Options options,
                                 const Clock& clock)
    : target_(std::move(target)),
      credentials_(std::move(credentials)),
      token_(std::move(token)),
      options_(options),
      clock_(clock) {}

std::unique_ptr<edge::CoreLink> GrpcLinkFactory::NewLink(const edge::LaneIdentity& identity,
                                                         edge::CoreLinkListener& listener,
                                                         edge::LoopExecutor& executor) {
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
  return std::make_unique<edge::GrpcCoreLink>(
      grpc::CreateCustomChannel(target_, credentials_, arguments), token_, identity, listener,
      executor, options_, clock_);
}

}  // namespace cairn::server
