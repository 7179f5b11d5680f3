// Descriptions: a peer or a topic as operators see it.
//
// Thread: the router's (inside an AdminCall).
#ifndef CAIRN_CORE_DESCRIPTIONS_H_
#define CAIRN_CORE_DESCRIPTIONS_H_

#include <string>

#include "core/router.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

void Describe(const Router& router, const PeerRecord& peer, bool with_topics,
              signaling::v1::Peer& out);
void Describe(const ClosedPeer& peer, signaling::v1::Peer& out);
void Describe(const Router& router, const TopicRecord& topic, signaling::v1::Topic& out);
// The records of a topic, with or without subscribers.
void DescribeRecords(const Router& router, const std::string& topic, signaling::v1::Topic& out);

}  // namespace cairn::core

#endif  // CAIRN_CORE_DESCRIPTIONS_H_
