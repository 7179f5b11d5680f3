// Why a connection ended and why a message was dropped: one name each, which is also the metric
// label.
//
// docs/PROTOCOL.md has the same two tables; a test compares them.
#ifndef CAIRN_EDGE_REASONS_H_
#define CAIRN_EDGE_REASONS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/wire/json_message.h"
#include "proto/wire/message_reader.h"
#include "proto/wire/ws_decoder.h"

namespace cairn::edge {

// X(enumerator, name, close code). Code 0: the connection ended without a Close frame from us.
#define CAIRN_EDGE_CLOSE_REASONS(X)                                                   \
  X(kClientClosed, "client_closed", 1000)         /* its Close frame was answered */  \
  X(kClientGone, "client_gone", 0)                /* end of stream without a Close */ \
  X(kConnectionLost, "connection_lost", 0)        /* reset, or unacknowledged data */ \
  X(kBadProxyHeader, "bad_proxy_header", 0)       /* --proxy-protocol, and no such */ \
  X(kHandshakeTimeout, "handshake_timeout", 0)    /* TLS and upgrade took too long */ \
  X(kTooManyHandshakes, "too_many_handshakes", 0) /* EdgeLimits::max_handshakes */    \
  X(kTlsFailed, "tls_failed", 0)                  /* TLS handshake or record error */ \
  X(kUpgradeRefused, "upgrade_refused", 0)        /* answered with an HTTP status */  \
  X(kUnauthorized, "unauthorized", 0)             /* answered with 401 */             \
  X(kDraining, "draining", 1001)                  /* this edge is shutting down */    \
  X(kProtocolError, "protocol_error", 1002)       /* RFC 6455 was broken */           \
  X(kBadUtf8, "bad_utf8", 1007)                   /* text that is not UTF-8 */        \
  X(kTooManyTopics, "too_many_topics", 1008)      /* EdgeLimits::max_topics */        \
  X(kTopicTooLong, "topic_too_long", 1008)        /* EdgeLimits::max_topic_bytes */   \
  X(kOperator, "operator", 1008)                  /* an operator's order */           \
  X(kMessageTooBig, "message_too_big", 1009)      /* EdgeLimits::max_message_bytes */ \
  X(kPongTimeout, "pong_timeout", 1011)           /* it ponged before, now not */     \
  X(kSlowReader, "slow_reader", 1013)             /* EdgeLimits::max_queued_bytes */  \
  X(kQueuesFull, "queues_full", 1013)             /* EdgeLimits::max_queued_total */  \
  X(kEdgeFull, "edge_full", 1013)                 /* EdgeLimits::max_connections */   \
  X(kAddressFull, "address_full", 1013)           /* ...::max_connections_per_ip */

// X(enumerator, name): a message that had no effect; its connection stays open.
#define CAIRN_EDGE_DROP_REASONS(X)                                                       \
  X(kTruncated, "cbor_truncated")           /* ends inside its first item */             \
  X(kMalformed, "cbor_malformed")           /* not well-formed */                        \
  X(kTooDeep, "cbor_too_deep")              /* nested deeper than 256 */                 \
  X(kNotAMessage, "not_a_message")          /* none of the three messages */             \
  X(kBadPeerId, "bad_peer_id")              /* "to" is not a peer's id */                \
  X(kTextMessage, "text_message")           /* text is not part of the CBOR dialect */   \
  X(kJsonMalformed, "json_malformed")       /* text that is not JSON */                  \
  X(kJsonNotAMessage, "json_not_a_message") /* none of the JSON messages */              \
  X(kResultCut, "result_cut")               /* a record that an answer could not hold */ \
  X(kRecordTooLarge, "record_too_large")    /* a record that no answer could hold */     \
  X(kDuplicate, "duplicate_delivery")       /* the core sent a relay again */            \
  X(kRelayUnsure, "relay_unsure")           /* it may have arrived: not resent */

enum class CloseReason : uint8_t {
#define X(enumerator, name, code) enumerator,
  CAIRN_EDGE_CLOSE_REASONS(X)
#undef X
};

enum class DropReason : uint8_t {
#define X(enumerator, name) enumerator,
  CAIRN_EDGE_DROP_REASONS(X)
#undef X
};

#define X(...) +1
inline constexpr size_t kCloseReasonCount = 0 CAIRN_EDGE_CLOSE_REASONS(X);
inline constexpr size_t kDropReasonCount = 0 CAIRN_EDGE_DROP_REASONS(X);
#undef X

std::string_view Name(CloseReason reason);
std::string_view Name(DropReason reason);

// RFC 6455 7.4.1; 0 when no Close frame is sent.
uint16_t CloseCode(CloseReason reason);

// REQUIRES: fault != kNone.
CloseReason ReasonFor(wire::WsFault fault);
DropReason ReasonFor(wire::DecodeFault fault);
DropReason ReasonFor(wire::JsonFault fault);

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_REASONS_H_
