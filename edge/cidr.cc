#include "edge/cidr.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <optional>
#include <string>

namespace cairn::edge {
namespace {

absl::string_view Abseil(std::string_view text) { return {text.data(), text.size()}; }

absl::uint128 OfV6(const in6_addr& address) {
  absl::uint128 bits = 0;
  for (const uint8_t byte : address.s6_addr) bits = (bits << 8) | byte;
  return bits;
}

absl::uint128 OfV4(const in_addr& address) {
  return (absl::uint128{0xffff} << 32) | ntohl(address.s_addr);
}

// Whether it is an IPv4-mapped address.
bool IsMapped(absl::uint128 bits) { return (bits >> 32) == 0xffff; }

std::optional<absl::uint128> BitsOf(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address.get(), sizeof v4);
    return OfV4(v4.sin_addr);
  }
  if (address.family() == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address.get(), sizeof v6);
    return OfV6(v6.sin6_addr);
  }
  return std::nullopt;
}

// In the address family that the user wrote.
std::string HostText(absl::uint128 bits, bool as_v4) {
  uint8_t bytes[16];
  for (size_t i = 16; i > 0; --i, bits >>= 8) {
    bytes[i - 1] = static_cast<uint8_t>(absl::Uint128Low64(bits));
  }
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(as_v4 ? AF_INET : AF_INET6, as_v4 ? bytes + 12 : bytes, text, sizeof text);
  return text;
}

// An IP address without a port or brackets.
std::optional<absl::uint128> ParseHost(absl::string_view text) {
  // inet_pton() would stop reading at a NUL.
  if (absl::StrContains(text, '\0')) return std::nullopt;
  const std::string host(text);
  in_addr v4;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return OfV4(v4);
  in6_addr v6;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return OfV6(v6);
  return std::nullopt;
}

// Digits only: SimpleAtoi() would accept signs and blanks.
std::optional<unsigned> ParsePrefixLength(absl::string_view text, unsigned most) {
  unsigned bits = 0;
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos ||
      !absl::SimpleAtoi(text, &bits) || bits > most) {
    return std::nullopt;
  }
  return bits;
}

}  // namespace

absl::StatusOr<CidrSet::Network> CidrSet::ParseNetwork(std::string_view entry) {
  const absl::string_view text = Abseil(entry);
  const size_t slash = text.find('/');
  const absl::string_view host = text.substr(0, slash);
  const std::optional<absl::uint128> address = ParseHost(host);
  if (!address) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text, "' is not an IP address or network (such as 192.0.2.7, 10.0.0.0/8 or ::1)"));
  }
  const bool is_v4 = !absl::StrContains(host, ':');
  const unsigned width = is_v4 ? 32 : 128;
  unsigned prefix = width;
  if (slash != text.npos) {
    const std::optional<unsigned> given = ParsePrefixLength(text.substr(slash + 1), width);
    if (!given) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", text, "' needs a prefix length of 0 to ", width, " after the slash"));
    }
    prefix = *given;
  }
  const unsigned host_bits = width - prefix;
  // Shifting by the whole width is undefined behaviour.
  const absl::uint128 mask =
      host_bits == 128 ? 0 : absl::Uint128Max() << static_cast<int>(host_bits);
  if ((*address & mask) != *address) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' has address bits beyond its prefix: write ",
                     HostText(*address & mask, is_v4), "/", prefix, " or ", host));
  }
  return Network{*address, mask};
}

absl::StatusOr<CidrSet> CidrSet::Parse(std::string_view text) {
  CidrSet set;
  if (absl::StripAsciiWhitespace(Abseil(text)).empty()) return set;
  for (absl::string_view entry : absl::StrSplit(Abseil(text), ',')) {
    entry = absl::StripAsciiWhitespace(entry);
    if (entry.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", Abseil(text), "' has an empty entry: one comma between two networks"));
    }
    if (set.size() == kMaxNetworks) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kMaxNetworks, " networks, from '", entry, "' on"));
    }
    absl::StatusOr<Network> network = ParseNetwork({entry.data(), entry.size()});
    if (!network.ok()) return network.status();
    set.networks_.push_back(*network);
  }
  return set;
}

bool CidrSet::Contains(const SocketAddress& address) const {
  const std::optional<absl::uint128> bits = BitsOf(address);
  if (!bits) return false;
  for (const Network& network : networks_) {
    // A prefix shorter than /96 does not include all of ::ffff, so only IPv4 networks count as
    // mapped.
    if ((*bits & network.mask) == network.address && IsMapped(*bits) == IsMapped(network.address)) {
      return true;
    }
  }
  return false;
}

}  // namespace cairn::edge
