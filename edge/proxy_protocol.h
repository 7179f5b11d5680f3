// ProxyProtocol: parses the header in which a proxy names the client, before any other byte.
//
//   v1  "PROXY TCP4|TCP6 <source> <destination> <source port> <destination port>\r\n"
//       "PROXY UNKNOWN[ <anything>]\r\n"
//   v2   0  12  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
//       12   1  version 2 in the high four bits; command: 0 LOCAL, 1 PROXY
//       13   1  family: 0 UNSPEC, 1 INET, 2 INET6, 3 UNIX; transport: 0 UNSPEC, 1 STREAM, 2 DGRAM
//       14   2  bytes that follow: the addresses, then TLVs
//       16      source, destination (4 or 16 bytes each), source port, destination port (2 each)
//
// Pure: bytes in, a state out. Any sender can claim any address, so use it only for peers that are
// trusted proxies.
//
// Owner:  one connection, from accept to the end of the header.
// Thread: its loop.
// Bounds: kMaxLineBytes for v1, kMaxHeaderBytes for v2, compared with the declared length.
//         Everything is kept in the object itself. TLVs, also a checksum (PP2_TYPE_CRC32C), are
//         skipped unread.
// Errors: kMalformed, at the first byte that proves it.
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
    kNeedMore,   // all of `in` was consumed
    kAbsent,     // the bytes do not begin with either signature
    kDone,       // the rest of `in` follows the header
    kMalformed,  // the connection must be closed (section 2)
  };

  // Including CRLF (section 2.1).
  static constexpr size_t kMaxLineBytes = 107;
  // Including the first 16 bytes. The length field allows 65,551; senders must fit into one segment
  // of 536 bytes (section 2).
  static constexpr size_t kMaxHeaderBytes = 4096;

  // Consumes bytes of the header from the front of `in`. When it returns kAbsent, this call has
  // consumed none; bytes consumed by earlier calls are in held(). The result depends on the bytes,
  // not on how they are split into calls; once it is not kNeedMore it is final, and `in` is not
  // touched.
  State Feed(std::string_view& in);

  // After kDone: the address that connected to the proxy. Absent when the header does not tell it
  // (LOCAL, UNKNOWN, UNSPEC, UNIX): then the TCP peer's address counts, and claims in the bytes
  // after the header cannot be trusted, since their sender is unknown.
  const std::optional<SocketAddress>& source() const { return source_; }

  // After kAbsent: at most 11 bytes that precede the rest of `in`. Otherwise empty.
  std::string_view held() const {
    return state_ == State::kAbsent ? std::string_view(kept_.data(), kept_size_)
                                    : std::string_view();
  }

 private:
  enum class Phase : uint8_t {
    kSignature,   // the bytes so far match one of the two
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
  std::array<char, kMaxLineBytes> kept_;  // of v2: as much of the header as addresses can take
  std::optional<SocketAddress> source_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_PROXY_PROTOCOL_H_
