// ForwardedClient: finds the client's address in the headers written by the proxies in front of the
// edge.
//
// Each proxy appends the address that it received the request from, so only entries that trusted
// proxies appended, from the right, can be trusted; a client can forge the entries to the left of
// them.
//
// Thread: any; no state.
// Bounds: time, by the length of the values (the limit of a request head) and the size of
//         `trusted`; an untrusted address ends the search.
// Errors: none. An entry that cannot be parsed ends the search.
// Source: X-Forwarded-For as it is used in practice (RFC 7239 section 7.4); RFC 9110 section 5.3
//         for several headers of one name.
#ifndef CAIRN_EDGE_FORWARDED_FOR_H_
#define CAIRN_EDGE_FORWARDED_FOR_H_

#include <span>
#include <string_view>

#include "base/address.h"
#include "edge/cidr.h"

namespace cairn::edge {

// `values`: of the X-Forwarded-For headers, in the order received; each has entries separated by
// commas: "ip", "ip:port", "[v6]" or "[v6]:port". `peer`: where the request came from: the TCP
// peer, or the source named by a PROXY protocol header.
//
// Returns the nearest address that is not in `trusted`, starting with `peer` itself. If there is
// none, or an entry (an empty one, "unknown", a name) cannot be parsed, the farthest address that
// was reached. The port is 0 where an entry has none.
SocketAddress ForwardedClient(std::span<const std::string_view> values, const SocketAddress& peer,
                              const CidrSet& trusted);

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_FORWARDED_FOR_H_
