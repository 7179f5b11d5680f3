#include "base/address.h"

#include <absl/status/status.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace cairn {
namespace {

const sockaddr_in& V4(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in&>(storage);
}
const sockaddr_in6& V6(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in6&>(storage);
}

absl::Status NotAnAddress(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::Utf8SafeCEscape(absl::string_view(text.data(), text.size())),
                   "' is not IP:port (such as 0.0.0.0:8080 or [::1]:8080)"));
}

}  // namespace

absl::StatusOr<SocketAddress> SocketAddress::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return NotAnAddress(text);
  std::string host(text.substr(0, colon));
  // inet_pton() would stop reading at it and accept what stands before.
  if (host.find('\0') != host.npos) return NotAnAddress(text);
  const std::string_view digits = text.substr(colon + 1);
  uint32_t port = 0;
  // 010 may have been meant as 8.
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  if (digits.empty() || leading_zero || digits.find_first_not_of("0123456789") != digits.npos ||
      !absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &port) || port > 65535) {
    return NotAnAddress(text);
  }
  SocketAddress address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage_);
    if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return NotAnAddress(text);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<uint16_t>(port));
    address.size_ = sizeof(sockaddr_in6);
    return address;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage_);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) return NotAnAddress(text);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<uint16_t>(port));
  address.size_ = sizeof(sockaddr_in);
  return address;
}

SocketAddress SocketAddress::OfSocket(int fd) {
  SocketAddress address;
  address.size_ = sizeof(address.storage_);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0) {
    address.size_ = 0;
  }
  return address;
}

uint16_t SocketAddress::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(V4(storage_).sin_port);
    case AF_INET6:
      return ntohs(V6(storage_).sin6_port);
    default:
      return 0;
  }
}

bool SocketAddress::IsLoopback() const {
  switch (family()) {
    case AF_INET:
      return (ntohl(V4(storage_).sin_addr.s_addr) >> 24) == 127;
    case AF_INET6:
      return IN6_IS_ADDR_LOOPBACK(&V6(storage_).sin6_addr);
    default:
      return false;
  }
}

SocketAddress SocketAddress::Unmapped() const {
  if (family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&V6(storage_).sin6_addr)) return *this;
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage_);
  v4.sin_family = AF_INET;
  v4.sin_port = V6(storage_).sin6_port;
  std::memcpy(&v4.sin_addr, &V6(storage_).sin6_addr.s6_addr[12], sizeof v4.sin_addr);
  address.size_ = sizeof v4;
  return address;
}

std::string SocketAddress::Host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) inet_ntop(AF_INET, &V4(storage_).sin_addr, text, sizeof text);
  if (family() == AF_INET6) inet_ntop(AF_INET6, &V6(storage_).sin6_addr, text, sizeof text);
  return text;
}

std::string SocketAddress::Network() const {
  const SocketAddress unmapped = Unmapped();
  if (unmapped.family() != AF_INET6) return unmapped.Host();
  SocketAddress network = unmapped;
  std::memset(&reinterpret_cast<sockaddr_in6&>(network.storage_).sin6_addr.s6_addr[8], 0, 8);
  return network.Host() + "/64";
}

std::string SocketAddress::ToString() const {
  if (family() == AF_INET6) return absl::StrCat("[", Host(), "]:", port());
  return absl::StrCat(Host(), ":", port());
}

}  // namespace cairn
