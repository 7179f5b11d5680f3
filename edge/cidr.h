// CidrSet: a list of IP networks, and whether an address is in one of them.
//
// Form:   "10.0.0.0/8,::1,192.0.2.7": comma-separated, blanks around an entry allowed; an address
//         alone is a network of one. Blank text is the empty set, an empty entry an error.
//         IPv4-mapped IPv6 (::ffff:a.b.c.d) is IPv4, on both sides; an IPv6 network, ::/0 too,
//         holds no IPv4 address.
// Thread: immutable after construction.
// Bounds: kMaxNetworks entries; Contains() compares with each and does not allocate.
// Errors: INVALID_ARGUMENT with the entry and what was expected. Address bits beyond the prefix
//         (10.0.0.1/8) are an error: it is unclear whether the address or the prefix is wrong.
// Source: RFC 4632 section 3.1, RFC 4291 sections 2.3 and 2.5.5.2.
#ifndef CAIRN_EDGE_CIDR_H_
#define CAIRN_EDGE_CIDR_H_

#include <absl/numeric/int128.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace cairn::edge {

class CidrSet {
 public:
  static constexpr size_t kMaxNetworks = 1024;

  CidrSet() = default;

  static absl::StatusOr<CidrSet> Parse(std::string_view text);

  // The port is ignored. False for an address that is neither IPv4 nor IPv6.
  bool Contains(const SocketAddress& address) const;

  bool empty() const { return networks_.empty(); }
  size_t size() const { return networks_.size(); }

 private:
  // As IPv6: an IPv4 network is ::ffff:a.b.c.d with a prefix that is 96 bits longer.
  struct Network {
    absl::uint128 address;
    absl::uint128 mask;
  };

  static absl::StatusOr<Network> ParseNetwork(std::string_view entry);

  std::vector<Network> networks_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CIDR_H_
