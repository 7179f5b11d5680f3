// SocketAddress: an IP address and a port, as the socket calls take it and as people write it.
//
// Form:   "192.0.2.1:8080", "[2001:db8::1]:8080"; no host names, since a listener that depends on
//         DNS starts late.
// Errors: INVALID_ARGUMENT with the text and what was expected.
#ifndef CAIRN_BASE_ADDRESS_H_
#define CAIRN_BASE_ADDRESS_H_

#include <absl/status/statusor.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn {

class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr_storage& storage, socklen_t size) : storage_(storage), size_(size) {}

  static absl::StatusOr<SocketAddress> Parse(std::string_view text);
  // The address that a bound socket has, with the real port where 0 was requested.
  static SocketAddress OfSocket(int fd);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  uint16_t port() const;
  bool IsLoopback() const;
  // The IPv4 address that an IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 2.5.5.2) stands
  // for; any other address unchanged.
  SocketAddress Unmapped() const;
  // "192.0.2.1:8080" or "[2001:db8::1]:8080".
  std::string ToString() const;
  // The address without the port.
  std::string Host() const;
  // The range of addresses that one person may have: "192.0.2.1", or "2001:db8:0:1::/64" for an
  // IPv6 address.
  std::string Network() const;

 private:
  sockaddr_storage storage_ = {};
  socklen_t size_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_BASE_ADDRESS_H_
