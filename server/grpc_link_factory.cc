#include "server/grpc_link_factory.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "edge/grpc_core_stream.h"
#include "proto/link/link.h"
#include "proto/link/timing.h"

namespace cairn::server {
namespace {

// What gRPC adds to a message of the link, and the fields that are not counted in its cost.
constexpr int kMessageSlack = 64 << 10;

int Milliseconds(std::chrono::milliseconds time) { return static_cast<int>(time.count()); }

}  // namespace

GrpcLinkFactory::GrpcLinkFactory(std::string target,
                                 std::shared_ptr<grpc::ChannelCredentials> credentials,
                                 std::string token, edge::LaneLink::Options options,
                                 const Clock& clock)
    : target_(std::move(target)),
      credentials_(std::move(credentials)),
      token_(std::move(token)),
      options_(options),
      clock_(clock) {}

std::unique_ptr<edge::CoreLink> GrpcLinkFactory::NewLink(const edge::LaneIdentity& identity,
                                                         edge::CoreLinkListener& listener,
                                                         edge::LoopExecutor& executor) {
  auto opener = std::make_unique<edge::GrpcCoreStreamOpener>([this] { return NewChannel(); },
                                                             token_, executor);
  return std::make_unique<edge::LaneLink>(std::move(opener), identity, listener, executor, options_,
                                          clock_);
}

std::shared_ptr<grpc::Channel> GrpcLinkFactory::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(link::kKeepaliveInterval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(link::kKeepaliveTimeout));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // In gRPC 1.51 this is the time that one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Milliseconds(link::kConnectTimeout));
  // Each channel makes one attempt; the link has its own back-off, and opens another.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(link::kConnectTimeout));
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 0);
  // The link is inside the deployment: a proxy for the outside must not carry it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A connection per lane: their streams share no lock and no flow control.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(link::kMaxMessageBytes) + kMessageSlack);
  return grpc::CreateCustomChannel(target_, credentials_, arguments);
}

}  // namespace cairn::server
