// ForwardedClient: whose request it is, by what the proxies in front of us wrote down.
//
// Each proxy appends the address it was asked from, so only what trusted ones appended, from the
// right, is worth believing; anybody can send what stands to the left of it.
// Thread: any; pure.
// Bounds: time, by the values' length (the limit of a request head) and the size of `trusted`; an
//         untrusted address ends it.
// Errors: none. An entry that cannot be read ends the walk.
// Source: X-Forwarded-For as it is in use (RFC 7239 section 7.4); RFC 9110 section 5.3 for several
//         headers of one name.
#ifndef CAIRN_EDGE_FORWARDED_FOR_H_
#define CAIRN_EDGE_FORWARDED_FOR_H_

#include <span>
#include <string_view>

#include "base/address.h"
#include "edge/cidr.h"

namespace cairn::edge {

// `values`: of the X-Forwarded-For headers, in the order in which they came; each has entries,
// separated by commas: "ip", "ip:port", "[v6]" or "[v6]:port". `peer`: from whom the request came:
// the TCP peer, or the source that a PROXY protocol header named.
//
// The nearest address that is not in `trusted`, beginning with `peer` itself. When there is none,
// or an entry (an empty one, "unknown", a name) cannot be read, the farthest that was reached. The
// port is 0 where an entry has none.
SocketAddress ForwardedClient(std::span<const std::string_view> values, const SocketAddress& peer,
                              const CidrSet& trusted);

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_FORWARDED_FOR_H_
