// GrpcLinkFactory: links to a core in another process.
//
// Owner:  the composition (server/server.cc).
// Thread: any.
#ifndef CAIRN_SERVER_GRPC_LINK_FACTORY_H_
#define CAIRN_SERVER_GRPC_LINK_FACTORY_H_

#include <memory>
#include <string>

#include "base/reloadable.h"
#include "edge/http2_core_stream_opener.h"
#include "edge/lane_link.h"
#include "edge/link_factory.h"

namespace cairn::server {

class GrpcLinkFactory final : public edge::LinkFactory {
 public:
  using StreamOptions = edge::Http2CoreStreamOpener::Options;

  // `clock` must outlive every link.
  GrpcLinkFactory(StreamOptions stream_options, edge::LaneLink::Options options,
                  const Clock& clock);

  // What streams present, and whom they trust, from now on; those that are open stay.
  void SetToken(std::string token);
  // REQUIRES: null exactly if it was null at the start.
  void SetTls(std::shared_ptr<const edge::CoreTls> tls);

  std::unique_ptr<edge::CoreLink> NewLink(const edge::LaneIdentity& identity,
                                          edge::CoreLinkListener& listener,
                                          edge::LoopExecutor& executor) override;

 private:
  Reloadable<StreamOptions> stream_options_;
  const edge::LaneLink::Options options_;
  const Clock& clock_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_GRPC_LINK_FACTORY_H_
