// ConnectionRefusal: why the core's acceptor ended a connection before its first call was allowed:
// one name each, which is also the metric label.
//
// docs/OPERATIONS.md "What a core refuses at its gRPC port" has the same table; a test compares
// them.
#ifndef CAIRN_CORE_CONNECTION_REFUSAL_H_
#define CAIRN_CORE_CONNECTION_REFUSAL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counter.h"

namespace cairn::core {

// X(enumerator, name)
#define CAIRN_CORE_CONNECTION_REFUSALS(X)                                                   \
  X(kNotGrpc, "not_grpc")           /* its bytes are not the beginning of a call */         \
  X(kLate, "late")                  /* no call in AcceptorBounds::time_to_authenticate */   \
  X(kNoCredential, "no_credential") /* its first call has no known credential: answered */  \
  X(kTlsFailed, "tls_failed")       /* with TLS: it ended before a call that was allowed */ \
  X(kTooMany, "too_many")           /* it had shown nothing when others needed its place */ \
  X(kTooManyAuthenticated, "too_many_authenticated") /* AcceptorBounds, in all or per address */

enum class ConnectionRefusal : uint8_t {
#define X(enumerator, name) enumerator,
  CAIRN_CORE_CONNECTION_REFUSALS(X)
#undef X
};
#define X(...) +1
inline constexpr size_t kConnectionRefusalCount = 0 CAIRN_CORE_CONNECTION_REFUSALS(X);
#undef X

constexpr std::string_view Name(ConnectionRefusal reason) {
  constexpr std::string_view kNames[] = {
#define X(enumerator, name) name,
      CAIRN_CORE_CONNECTION_REFUSALS(X)
#undef X
  };
  return kNames[static_cast<size_t>(reason)];
}

// By reason. Written by the acceptor's thread.
using ConnectionRefusals = std::array<Counter, kConnectionRefusalCount>;
using ConnectionRefusalValues = std::array<uint64_t, kConnectionRefusalCount>;

}  // namespace cairn::core

#endif  // CAIRN_CORE_CONNECTION_REFUSAL_H_
