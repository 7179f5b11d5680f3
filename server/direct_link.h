// DirectLink: edge and core in one process: a lane enters the router itself, without a network
// between.
//
// Thread: CoreLink's methods on the loop; the sink on whichever thread is in the router.
// Bounds: what a lane's loop has not taken yet is what other loops relayed in one turn of theirs.
#ifndef CAIRN_SERVER_DIRECT_LINK_H_
#define CAIRN_SERVER_DIRECT_LINK_H_

#include <memory>

#include "core/core.h"
#include "edge/link_factory.h"

namespace cairn::server {

class DirectLinkFactory final : public edge::LinkFactory {
 public:
  // `core` must outlive every link.
  explicit DirectLinkFactory(core::Core& core) : core_(core) {}

  std::unique_ptr<edge::CoreLink> NewLink(const edge::LaneIdentity& identity,
                                          edge::CoreLinkListener& listener,
                                          edge::LoopExecutor& executor) override;

 private:
  core::Core& core_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_DIRECT_LINK_H_
