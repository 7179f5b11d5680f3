// LaneRefusal: why the core refused input of an edge: one name each, which is also the metric
// label.
//
// docs/OPERATIONS.md "What a core refuses its edges" has the same table; a test compares them.
#ifndef CAIRN_CORE_LANE_REFUSAL_H_
#define CAIRN_CORE_LANE_REFUSAL_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn::core {

// X(enumerator, name)
#define CAIRN_CORE_LANE_REFUSALS(X)                                                                \
  X(kCredential, "credential")         /* the call has no edge's credential, or no longer */       \
  X(kEdgeName, "edge_name")            /* the credential is bound to another edge's name */        \
  X(kHttp2, "http2")                   /* the connection breaks HTTP/2 or gRPC, or their bounds */ \
  X(kNoHello, "no_hello")              /* a stream without a Hello within kTimeToHello */          \
  X(kSecret, "secret")                 /* Hello: the secret is not the lane's */                   \
  X(kHello, "hello")                   /* Hello: not of this protocol, or a field is too long */   \
  X(kTooManyLanes, "too_many_lanes")   /* CoreLimits::max_lanes, or max_lanes_per_edge */          \
  X(kForeignPeer, "foreign_peer")      /* an event in the name of a peer that is not the lane's */ \
  X(kTooLong, "too_long")              /* a string or a list is longer than an edge lets it be */  \
  X(kTooMuch, "too_much")              /* CoreLimits::max_presence_bytes_per_edge */               \
  X(kTooMuchUnread, "too_much_unread") /* received and not handled, of all lanes */                \
  X(kRelayNumber, "relay_number")      /* a relay's number does not follow the last */

enum class LaneRefusal : uint8_t {
#define X(enumerator, name) enumerator,
  CAIRN_CORE_LANE_REFUSALS(X)
#undef X
};
#define X(...) +1
inline constexpr size_t kLaneRefusalCount = 0 CAIRN_CORE_LANE_REFUSALS(X);
#undef X

std::string_view Name(LaneRefusal reason);

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_REFUSAL_H_
