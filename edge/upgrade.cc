#include "edge/upgrade.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <openssl/sha.h>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace cairn::edge {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// RFC 6455 section 1.3.
constexpr char kAcceptGuid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr char kV1Subprotocol[] = "cairn.signal.v1";
constexpr char kV2Subprotocol[] = "cairn.signal.v2";
constexpr char kBearerSubprotocol[] = "cairn.bearer.";

absl::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// Whether any of the comma-separated entries of a header, which may be repeated, is `wanted`,
// ignoring case.
template <typename Fields>
bool HasEntry(const Fields& fields, http::field name, absl::string_view wanted) {
  const auto range = fields.equal_range(name);
  for (auto it = range.first; it != range.second; ++it) {
    for (absl::string_view entry : absl::StrSplit(View(it->value()), ',')) {
      if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(entry), wanted)) return true;
    }
  }
  return false;
}

// The token of "Authorization: Bearer <token>": the scheme is case-insensitive (RFC 9110 11.1),
// followed by one space.
bool HeaderTokenFits(absl::string_view value, const BearerTokens& tokens) {
  value = absl::StripAsciiWhitespace(value);
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(value, kScheme)) return false;
  value.remove_prefix(kScheme.size());
  return tokens.Matches(std::string_view(value.data(), value.size()));
}

// For browsers: "cairn.bearer.<base64url(token), no padding>" among the offered subprotocols.
bool SubprotocolTokenFits(absl::string_view entry, const BearerTokens& tokens) {
  if (!absl::ConsumePrefix(&entry, kBearerSubprotocol)) return false;
  std::string token;
  return absl::WebSafeBase64Unescape(entry, &token) && tokens.Matches(token);
}

// RFC 6455 section 4.1, item 7.
bool IsKey(absl::string_view key) {
  constexpr size_t kBytes = 16, kEncodedBytes = 24;
  std::string bytes;
  return key.size() == kEncodedBytes && absl::Base64Unescape(key, &bytes) && bytes.size() == kBytes;
}

// RFC 9112 section 6.3. Its body must not be taken for frames.
template <typename Request>
bool HasBody(const Request& request) {
  const absl::string_view length = View(request[http::field::content_length]);
  return request.count(http::field::transfer_encoding) > 0 || (!length.empty() && length != "0");
}

// Searches from `begin` on.
bool HasBareLineFeed(std::string_view text, size_t begin) {
  for (size_t at = text.find('\n', begin); at != text.npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

std::string AcceptValue(absl::string_view key) {
  const std::string text = absl::StrCat(key, kAcceptGuid);
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof digest));
}

template <typename Response>
std::string ToBytes(const Response& response) {
  std::ostringstream out;
  out << response;
  return std::move(out).str();
}

std::string Refusal(int status, std::string_view text) {
  http::response<http::string_body> response(static_cast<http::status>(status), 11);
  response.set(http::field::connection, "close");
  switch (status) {
    case 401:
      response.set(http::field::www_authenticate, "Bearer");
      break;
    case 405:
      response.set(http::field::allow, "GET");
      break;
    case 426:
      response.set(http::field::upgrade, "websocket");
      response.set(http::field::connection, "Upgrade, close");
      response.set(http::field::sec_websocket_version, "13");
      break;
    default:
      break;
  }
  if (!text.empty()) {
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.body() = absl::StrCat(absl::string_view(text.data(), text.size()), "\n");
  }
  response.prepare_payload();
  return ToBytes(response);
}

}  // namespace

struct Upgrade::Parser {
  http::request_parser<http::empty_body> http;
};

Upgrade::Upgrade(const BearerTokens& tokens, size_t max_head_bytes)
    : tokens_(tokens), max_head_bytes_(max_head_bytes), parser_(std::make_unique<Parser>()) {
  parser_->http.header_limit(static_cast<uint32_t>(max_head_bytes));
  parser_->http.body_limit(boost::none);
}

Upgrade::~Upgrade() = default;

std::string Upgrade::TimeoutAnswer() {
  return Refusal(408, "The upgrade request did not come in time.");
}

bool Upgrade::SkipEmptyLine(std::string_view& in) {
  while (!begun_ && !in.empty()) {
    if (cr_pending_ && in[0] != '\n') return false;
    if (cr_pending_) empty_line_seen_ = true;
    if (!cr_pending_ && empty_line_seen_ && in[0] == '\r') return false;
    if (!cr_pending_ && in[0] != '\r') {
      begun_ = true;
      break;
    }
    cr_pending_ = !cr_pending_;
    in.remove_prefix(1);
  }
  return true;
}

Upgrade::State Upgrade::Feed(std::string_view& in) {
  if (!SkipEmptyLine(in)) return Refuse(400, "This is not an HTTP request.");
  if (in.empty()) return State::kNeedMore;
  // Beast needs the head in one piece; it arrives so except from slow or hostile clients.
  const size_t kept_before = kept_.size();
  std::string_view head = in;
  if (kept_before > 0) {
    kept_.append(in);
    head = kept_;
  }
  const size_t end = head.find("\r\n\r\n", kept_before > 3 ? kept_before - 3 : 0);
  // Otherwise a request with other line ends would be waited for until its time is up.
  if (HasBareLineFeed(head.substr(0, end), kept_before))
    return Refuse(400, "The lines of a request end with CR LF.");
  if (end == head.npos) {
    if (head.size() > max_head_bytes_) return Refuse(431, "The request head is too large.");
    if (kept_before == 0) kept_.assign(in);
    in = {};
    // Input that cannot become HTTP is refused at once.
    if (!absl::ascii_isalpha(static_cast<unsigned char>(head.empty() ? 'G' : head[0]))) {
      return Refuse(400, "This is not an HTTP request.");
    }
    return State::kNeedMore;
  }
  const size_t head_size = end + 4;
  beast::error_code error;
  parser_->http.put(boost::asio::const_buffer(head.data(), head_size), error);
  in.remove_prefix(head_size - kept_before);
  if (error == http::error::header_limit) return Refuse(431, "The request head is too large.");
  if (error == http::error::bad_version) return Refuse(505, "Only HTTP/1.1 is spoken here.");
  if (error || !parser_->http.is_header_done()) return Refuse(400, "The request cannot be read.");
  return CheckRequest();
}

Upgrade::State Upgrade::CheckRequest() {
  const auto& request = parser_->http.get();
  if (request.version() != 11) return Refuse(505, "Only HTTP/1.1 is spoken here.");
  if (request.method() == http::verb::head) return Refuse(405, "");  // its answers have no body
  if (request.method() != http::verb::get) return Refuse(405, "Only GET is allowed here.");
  if (!HasEntry(request, http::field::upgrade, "websocket") ||
      !HasEntry(request, http::field::connection, "upgrade")) {
    return Refuse(426, "This is a WebSocket server: connect with a WebSocket client.");
  }
  bool authorized = !tokens_.required();
  // The newest of our subprotocols that was offered; none is selected if none was.
  std::string_view subprotocol;
  const auto protocols = request.equal_range(http::field::sec_websocket_protocol);
  for (auto it = protocols.first; it != protocols.second; ++it) {
    for (absl::string_view entry : absl::StrSplit(View(it->value()), ',')) {
      entry = absl::StripAsciiWhitespace(entry);
      if (entry == kV2Subprotocol) {
        subprotocol = kV2Subprotocol;
        dialect_ = wire::Dialect::kV2;
      } else if (entry == kV1Subprotocol && subprotocol.empty()) {
        subprotocol = kV1Subprotocol;
      }
      authorized = authorized || SubprotocolTokenFits(entry, tokens_);
    }
  }
  const auto headers = request.equal_range(http::field::authorization);
  for (auto it = headers.first; it != headers.second; ++it) {
    authorized = authorized || HeaderTokenFits(View(it->value()), tokens_);
  }
  if (!authorized) return Refuse(401, "");
  if (HasBody(request)) return Refuse(400, "A request for a WebSocket has no body.");
  if (View(request[http::field::sec_websocket_version]) != "13") {
    return Refuse(426, "Only WebSocket version 13 is spoken here.");
  }
  const beast::string_view key = request[http::field::sec_websocket_key];
  if (key.empty()) return Refuse(400, "Sec-WebSocket-Key is missing.");
  if (!IsKey(View(key))) return Refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64.");
  const beast::string_view agent = request[http::field::user_agent];
  user_agent_.assign(agent.data(), std::min(agent.size(), kMaxUserAgentBytes));
  // It is stored in protobuf strings, which must be UTF-8, and printed on operators' terminals.
  for (char& c : user_agent_) c = c >= 0x20 && c < 0x7f ? c : '?';
  const auto forwarded = request.equal_range("X-Forwarded-For");
  for (auto it = forwarded.first; it != forwarded.second; ++it) {
    absl::StrAppend(&forwarded_for_, forwarded_for_.empty() ? "" : ",", View(it->value()));
  }
  return Accept(std::string_view(key.data(), key.size()), subprotocol);
}

Upgrade::State Upgrade::Accept(std::string_view key, std::string_view subprotocol) {
  http::response<http::empty_body> response(http::status::switching_protocols, 11);
  response.set(http::field::connection, "Upgrade");
  response.set(http::field::upgrade, "websocket");
  response.set(http::field::sec_websocket_accept, AcceptValue({key.data(), key.size()}));
  if (!subprotocol.empty()) {
    response.set(http::field::sec_websocket_protocol,
                 beast::string_view(subprotocol.data(), subprotocol.size()));
  }
  answer_ = ToBytes(response);
  status_ = 101;
  return State::kAccepted;
}

Upgrade::State Upgrade::Refuse(int status, std::string_view text) {
  status_ = status;
  answer_ = Refusal(status, text);
  return State::kRefused;
}

}  // namespace cairn::edge
