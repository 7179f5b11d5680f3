// ClientHello: what the first bytes of a TLS connection say that is needed before it is decided
// who makes the handshake.
//
// Thread: any.
// Bounds: only what was received is read; lengths that exceed it mean that nothing is offered.
// Source: RFC 8446, 4.1.2 and 5.1; RFC 7301, 3.1.
#ifndef CAIRN_CORE_CLIENT_HELLO_H_
#define CAIRN_CORE_CLIENT_HELLO_H_

#include <string_view>

namespace cairn::core {

// Whether the client offers this protocol by ALPN. False if the hello is not whole, or in several
// records: clients of ours send it in one piece.
bool OffersProtocol(std::string_view received, std::string_view protocol);

}  // namespace cairn::core

#endif  // CAIRN_CORE_CLIENT_HELLO_H_
