// ProxyProtocol: the header in which a proxy says, before any other byte, whose connection it is.
//
//   v1  "PROXY TCP4|TCP6 <source> <destination> <source port> <destination port>\r\n"
//       "PROXY UNKNOWN[ <anything>]\r\n"
//   v2   0  12  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
//       12   1  version 2 in the high four bits; command: 0 LOCAL, 1 PROXY
//       13   1  family: 0 UNSPEC, 1 INET, 2 INET6, 3 UNIX; transport: 0 UNSPEC, 1 STREAM, 2 DGRAM
//       14   2  bytes that follow: the addresses, then TLVs
//       16      source, destination (4 or 16 bytes each), source port, destination port (2 each)
//
// Bytes in, a state out; no sockets here. Whoever can reach the parser can claim any address: it is
// for peers that are trusted proxies only.
// Owner:  one connection, from accept to the end of the header. Thread: its loop.
// Bounds: kMaxLineBytes for v1, kMaxHeaderBytes for v2, held against what it declares; what is kept
//         is in the object itself. TLVs are skipped unread, a checksum (PP2_TYPE_CRC32C) too.
// Errors: kMalformed, at the first byte that settles it.
// Source: "The PROXY protocol, Versions 1 & 2" of HAProxy (doc/proxy-protocol.txt), section 2.
#ifndef CAIRN_EDGE_PROXY_PROTOCOL_H_
#define CAIRN_EDGE_PROXY_PROTOCOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"

namespace cairn::edge {

class ProxyProtocol {
 public:
  enum class State : uint8_t {
    kNeedMore,   // `in` is used up
    kAbsent,     // the bytes do not begin with either signature
    kDone,       // what is left of `in` comes after the header
    kMalformed,  // the connection is to be closed (section 2)
  };

  // CRLF included (section 2.1).
  static constexpr size_t kMaxLineBytes = 107;
  // The first 16 bytes included. The length field would allow 65,551; senders are to keep to one
  // segment of 536 bytes (section 2).
  static constexpr size_t kMaxHeaderBytes = 4096;

  // Takes bytes from the front of `in`, of a header alone. With kAbsent, this call has taken none;
  // those that earlier ones took while it was open are held(). The state depends on the bytes, not
  // on the cuts between calls; once it is not kNeedMore it stays, and `in` is left alone.
  State Feed(std::string_view& in);

  // After kDone: who connected to the proxy. Absent when the header does not say (LOCAL, UNKNOWN,
  // UNSPEC, UNIX): the address is then the TCP peer's, and what the bytes behind the header claim
  // is worth nothing, since who sent them is not known.
  const std::optional<SocketAddress>& source() const { return source_; }

  // After kAbsent: what belongs before the bytes still in `in`; at most 11 bytes. Otherwise empty.
  std::string_view held() const {
    return state_ == State::kAbsent ? std::string_view(kept_.data(), kept_size_)
                                    : std::string_view();
  }

 private:
  enum class Phase : uint8_t {
    kSignature,   // what came so far fits one of the two
    kLine,        // v1, until CRLF
    kBinaryHead,  // v2, until byte 16
    kBinaryRest,  // v2, rest_bytes_ to come
  };

  State Take(char byte);
  State OnSignatureByte();
  State OnLineByte();
  State OnLine(std::string_view line);
  State OnBinaryHead();
  State OnBinaryEnd();
  uint8_t At(size_t offset) const { return static_cast<uint8_t>(kept_[offset]); }
  uint16_t At16(size_t offset) const;

  // Loop thread only.
  State state_ = State::kNeedMore;
  Phase phase_ = Phase::kSignature;
  uint8_t kept_size_ = 0;
  uint16_t rest_bytes_ = 0;
  std::array<char, kMaxLineBytes> kept_;  // of v2, as much of the header as addresses can take
  std::optional<SocketAddress> source_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_PROXY_PROTOCOL_H_
