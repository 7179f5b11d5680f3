#include "edge/proxy_protocol.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <netinet/in.h>

#include <cstring>
#include <string>
#include <vector>

namespace cairn::edge {
namespace {

constexpr std::string_view kLineSignature = "PROXY";
constexpr std::string_view kBinarySignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kBinaryHeadBytes = 16;

constexpr uint8_t kLocal = 0;
constexpr uint8_t kProxy = 1;
constexpr uint8_t kUnspec = 0;
constexpr uint8_t kInet = 1;
constexpr uint8_t kInet6 = 2;
constexpr uint8_t kUnix = 3;
constexpr uint8_t kDatagram = 2;

// Source and destination together, including ports, by family (section 2.2).
constexpr size_t kAddressBytes[] = {0, 12, 36, 216};
constexpr size_t kMostKept = kBinaryHeadBytes + kAddressBytes[kInet6];
static_assert(kMostKept <= ProxyProtocol::kMaxLineBytes);

// An address and a port of a v1 line. Stricter than SocketAddress::Parse(): only the address
// itself, and no leading zeros in the port.
std::optional<SocketAddress> LineAddress(bool is_v6, absl::string_view ip, absl::string_view port) {
  const char* const alphabet = is_v6 ? "0123456789abcdefABCDEF:." : "0123456789.";
  if (ip.find_first_not_of(alphabet) != ip.npos) return std::nullopt;
  if (port.size() > 1 && port.front() == '0') return std::nullopt;
  const std::string text = is_v6 ? absl::StrCat("[", ip, "]:", port) : absl::StrCat(ip, ":", port);
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
  if (!address.ok()) return std::nullopt;
  return *address;
}

SocketAddress V4(const char* ip, uint16_t port) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  std::memcpy(&v4.sin_addr, ip, sizeof v4.sin_addr);
  sockaddr_storage storage = {};
  std::memcpy(&storage, &v4, sizeof v4);
  return SocketAddress(storage, sizeof v4);
}

SocketAddress V6(const char* ip, uint16_t port) {
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, ip, sizeof v6.sin6_addr);
  sockaddr_storage storage = {};
  std::memcpy(&storage, &v6, sizeof v6);
  return SocketAddress(storage, sizeof v6);
}

}  // namespace

ProxyProtocol::State ProxyProtocol::Feed(std::string_view& in) {
  const std::string_view given = in;
  const uint8_t kept_before = kept_size_;
  while (state_ == State::kNeedMore && !in.empty()) {
    const char byte = in.front();
    in.remove_prefix(1);
    state_ = Take(byte);
    if (state_ == State::kAbsent) {
      in = given;
      kept_size_ = kept_before;
    }
  }
  return state_;
}

ProxyProtocol::State ProxyProtocol::Take(char byte) {
  // Everything after them is TLVs, which are not read.
  if (phase_ != Phase::kBinaryRest || kept_size_ < kMostKept) kept_[kept_size_++] = byte;
  switch (phase_) {
    case Phase::kSignature:
      return OnSignatureByte();
    case Phase::kLine:
      return OnLineByte();
    case Phase::kBinaryHead:
      return kept_size_ < kBinaryHeadBytes ? State::kNeedMore : OnBinaryHead();
    case Phase::kBinaryRest:
      return --rest_bytes_ > 0 ? State::kNeedMore : OnBinaryEnd();
  }
  return State::kMalformed;
}

ProxyProtocol::State ProxyProtocol::OnSignatureByte() {
  const bool is_line = kept_[0] == kLineSignature[0];
  const std::string_view signature = is_line ? kLineSignature : kBinarySignature;
  if (kept_[kept_size_ - 1u] != signature[kept_size_ - 1u]) return State::kAbsent;
  if (kept_size_ == signature.size()) phase_ = is_line ? Phase::kLine : Phase::kBinaryHead;
  return State::kNeedMore;
}

ProxyProtocol::State ProxyProtocol::OnLineByte() {
  const std::string_view line(kept_.data(), kept_size_);
  const bool follows_cr = line[line.size() - 2] == '\r';
  // Either character alone does not end a line (section 2.1) and is not allowed in it.
  if (follows_cr != (line.back() == '\n')) return State::kMalformed;
  if (follows_cr) return OnLine(line.substr(0, line.size() - 2));
  return line.size() == kMaxLineBytes ? State::kMalformed : State::kNeedMore;
}

ProxyProtocol::State ProxyProtocol::OnLine(std::string_view line) {
  constexpr std::string_view kUnknown = "PROXY UNKNOWN";
  if (line.starts_with(kUnknown) &&
      (line.size() == kUnknown.size() || line[kUnknown.size()] == ' ')) {
    return State::kDone;
  }
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(line.data(), line.size()), ' ');
  if (fields.size() != 6 || fields[0] != "PROXY") return State::kMalformed;
  const bool is_v6 = fields[1] == "TCP6";
  if (!is_v6 && fields[1] != "TCP4") return State::kMalformed;
  if (!LineAddress(is_v6, fields[3], fields[5])) return State::kMalformed;
  source_ = LineAddress(is_v6, fields[2], fields[4]);
  return source_ ? State::kDone : State::kMalformed;
}

ProxyProtocol::State ProxyProtocol::OnBinaryHead() {
  const uint8_t version = At(12) >> 4;
  const uint8_t command = At(12) & 0xf;
  const uint8_t family = At(13) >> 4;
  const uint8_t transport = At(13) & 0xf;
  rest_bytes_ = At16(14);
  if (version != 2 || command > kProxy) return State::kMalformed;
  if (kBinaryHeadBytes + rest_bytes_ > kMaxHeaderBytes) return State::kMalformed;
  // Of a LOCAL header only the length matters.
  if (command == kProxy) {
    if (family > kUnix || transport > kDatagram) return State::kMalformed;
    if (transport != kUnspec && rest_bytes_ < kAddressBytes[family]) return State::kMalformed;
  }
  phase_ = Phase::kBinaryRest;
  return rest_bytes_ > 0 ? State::kNeedMore : OnBinaryEnd();
}

ProxyProtocol::State ProxyProtocol::OnBinaryEnd() {
  const bool is_local = (At(12) & 0xf) == kLocal;
  const bool has_transport = (At(13) & 0xf) != kUnspec;
  if (is_local || !has_transport) return State::kDone;
  // For other families the TCP peer's address is used.
  const uint8_t family = At(13) >> 4;
  if (family == kInet) source_ = V4(&kept_[16], At16(24));
  if (family == kInet6) source_ = V6(&kept_[16], At16(48));
  return State::kDone;
}

uint16_t ProxyProtocol::At16(size_t offset) const {
  return static_cast<uint16_t>(At(offset) << 8 | At(offset + 1));
}

}  // namespace cairn::edge
