#include "server/grpc_link_factory.h"

#include <utility>

namespace cairn::server {

GrpcLinkFactory::GrpcLinkFactory(StreamOptions stream_options, edge::LaneLink::Options options,
                                 const Clock& clock)
    : stream_options_(std::move(stream_options)), options_(options), clock_(clock) {}

std::unique_ptr<edge::CoreLink> GrpcLinkFactory::NewLink(const edge::LaneIdentity& identity,
                                                         edge::CoreLinkListener& listener,
                                                         edge::LoopExecutor& executor) {
  auto opener = std::make_unique<edge::Http2CoreStreamOpener>(stream_options_, executor, clock_);
  return std::make_unique<edge::LaneLink>(std::move(opener), identity, listener, executor, options_,
                                          clock_);
}

}  // namespace cairn::server
