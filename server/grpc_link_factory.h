// GrpcLinkFactory: links to a core in another process.
#ifndef CAIRN_SERVER_GRPC_LINK_FACTORY_H_
#define CAIRN_SERVER_GRPC_LINK_FACTORY_H_

#include <memory>
#include <string>

#include "edge/lane_link.h"
#include "edge/link_factory.h"

namespace grpc {
class Channel;
class ChannelCredentials;
}  // namespace grpc

namespace cairn::server {

class GrpcLinkFactory final : public edge::LinkFactory {
 public:
  // `target` as gRPC names it: "HOST:PORT" or "unix:PATH". `token`: presented on every call; empty:
  // none. `clock` must outlive every link.
  GrpcLinkFactory(std::string target, std::shared_ptr<grpc::ChannelCredentials> credentials,
                  std::string token, edge::LaneLink::Options options, const Clock& clock);

  std::unique_ptr<edge::CoreLink> NewLink(const edge::LaneIdentity& identity,
                                          edge::CoreLinkListener& listener,
                                          edge::LoopExecutor& executor) override;

 private:
  std::shared_ptr<grpc::Channel> NewChannel() const;

  const std::string target_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const std::string token_;
  const edge::LaneLink::Options options_;
  const Clock& clock_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_GRPC_LINK_FACTORY_H_
