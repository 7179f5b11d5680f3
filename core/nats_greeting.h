// NatsGreeting: what a NATS server and a client say of themselves when they meet: INFO and CONNECT.
//
// Thread: any.
// Errors: ParseNatsInfo(): INVALID_ARGUMENT.
// Source: docs.nats.io, reference-protocols/nats-protocol.
#ifndef CAIRN_CORE_NATS_GREETING_H_
#define CAIRN_CORE_NATS_GREETING_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::core {

struct NatsInfo {
  std::string nonce;  // to be signed by who has a key; empty: nobody is asked for one
  bool tls = false;   // it speaks TLS
  bool tls_required = false;
  bool headers = false;    // it can tell that a message had nobody to go to
  bool lame_duck = false;  // it is about to end
  int64_t max_payload = 0;
};
absl::StatusOr<NatsInfo> ParseNatsInfo(std::string_view json);

// Who connects; what is empty is left out.
struct NatsIntroduction {
  std::string name;
  std::string nkey;  // a user's public key, or
  std::string jwt;   // a user's claims
  std::string signature;
  bool tls = false;
};
// With the end of its line. The client's own messages do not come back, and those that have nobody
// to go to are told of.
std::string NatsConnect(const NatsIntroduction& who);

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_GREETING_H_
