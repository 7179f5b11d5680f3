// Upgrade: parses the HTTP request that opens a WebSocket, and makes the answer.
//
// Pure: bytes in, an answer out. Beast parses the request and writes the answer.
//
// Owner:  one Connection, from the end of TLS to the end of the upgrade.
// Thread: its loop.
// Bounds: max_head_bytes for request line and headers.
// Errors: an Answer with an HTTP status and one reason. About the token it says only whether it is
//         right.
// Source: RFC 6455 section 4.2, RFC 9110 section 7.8; laxness as the reference's
//         (docs/PROTOCOL.md).
#ifndef CAIRN_EDGE_UPGRADE_H_
#define CAIRN_EDGE_UPGRADE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/bearer_tokens.h"
#include "edge/reasons.h"
#include "proto/wire/message.h"

namespace cairn::edge {

class Upgrade {
 public:
  enum class State { kNeedMore, kAccepted, kRefused };

  Upgrade(const BearerTokens& tokens, size_t max_head_bytes);
  ~Upgrade();

  // Consumes bytes from the front of `in`. After kAccepted, the rest of it are the first WebSocket
  // frames.
  State Feed(std::string_view& in);

  // After kAccepted or kRefused: the bytes to send.
  const std::string& answer() const { return answer_; }
  // After kAccepted: the subprotocol that the client offered and the answer selected; native if
  // none was offered.
  wire::Dialect dialect() const { return dialect_; }
  // After kAccepted: User-Agent, cut to kMaxUserAgentBytes, with '?' for what is not printable
  // ASCII.
  const std::string& user_agent() const { return user_agent_; }
  // After kAccepted: the values of X-Forwarded-For, joined by commas in the order in which they
  // came.
  const std::string& forwarded_for() const { return forwarded_for_; }
  // After kRefused: 400, 401, 405, 426, 431, 505.
  int status() const { return status_; }
  CloseReason reason() const {
    return status_ == 401 ? CloseReason::kUnauthorized : CloseReason::kUpgradeRefused;
  }

  // The answer to a request that did not arrive in time.
  static std::string TimeoutAnswer();

  static constexpr size_t kMaxUserAgentBytes = 256;

 private:
  struct Parser;

  // Skips one empty line before the request (RFC 9112 section 2.2). False: there are more, or a CR
  // that does not end a line.
  bool SkipEmptyLine(std::string_view& in);
  State CheckRequest();
  State Accept(std::string_view key, std::string_view subprotocol);
  State Refuse(int status, std::string_view text);

  // Immutable after construction. Borrowed; must outlive this.
  const BearerTokens& tokens_;
  const size_t max_head_bytes_;
  // Loop thread only.
  std::unique_ptr<Parser> parser_;
  bool begun_ = false;  // a byte that is not part of an empty line has come
  bool empty_line_seen_ = false;
  bool cr_pending_ = false;  // half of an empty line has come
  std::string kept_;         // the beginning of a head that arrived in pieces
  std::string answer_;
  wire::Dialect dialect_ = wire::Dialect::kNative;
  std::string user_agent_;
  std::string forwarded_for_;
  int status_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_UPGRADE_H_
