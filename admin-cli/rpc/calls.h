// Calls: the one list of the calls of the core's Admin service (admin.proto), with what each is
// answered by. AdminClient makes each to one core, FleetClient to all of a fleet.
//
// The request of a call NAME is NAMERequest.
#ifndef CAIRN_ADMIN_CLI_RPC_CALLS_H_
#define CAIRN_ADMIN_CLI_RPC_CALLS_H_

#include "signaling/v1/admin.pb.h"

// One answer, which every core of a fleet has a part of: X(NAME, ANSWER).
#define CAIRN_ADMIN_CALLS(X)        \
  X(GetStatus, GetStatusResponse)   \
  X(GetPeer, Peer)                  \
  X(Disconnect, DisconnectResponse) \
  X(GetTopic, Topic)                \
  X(ListEdges, ListEdgesResponse)   \
  X(DrainEdge, DrainEdgeResponse)   \
  X(SetLogLevel, SetLogLevelResponse)
// One answer, of one core.
#define CAIRN_ADMIN_CALLS_OF_ONE_CORE(X) \
  X(ListCores, ListCoresResponse)        \
  X(DrainCore, DrainCoreResponse)
// Many answers, with an end.
#define CAIRN_ADMIN_LISTS(X)      \
  X(ListPeers, ListPeersResponse) \
  X(ListTopics, ListTopicsResponse)
// Many answers, until one side ends the call.
#define CAIRN_ADMIN_FEEDS(X) \
  X(Watch, Event)            \
  X(Trace, TraceRecord)

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

template <typename Request>
struct AnswerOf;
#define CAIRN_ADMIN_ANSWER(Name, Answer) \
  template <>                            \
  struct AnswerOf<v1::Name##Request> {   \
    using Type = v1::Answer;             \
  };
CAIRN_ADMIN_CALLS(CAIRN_ADMIN_ANSWER)
CAIRN_ADMIN_CALLS_OF_ONE_CORE(CAIRN_ADMIN_ANSWER)
CAIRN_ADMIN_LISTS(CAIRN_ADMIN_ANSWER)
CAIRN_ADMIN_FEEDS(CAIRN_ADMIN_ANSWER)
#undef CAIRN_ADMIN_ANSWER

template <typename Request>
using AnswerTo = typename AnswerOf<Request>::Type;

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_CALLS_H_
