// The messages between the three processes of the floor, over TCP:
// 4 bytes of length, then a kind, the sender's number and what it said.
//
// Thread: any; both ends are of the same machine and trust each other.
#ifndef CAIRN_TESTS_BENCH_FLOOR_LINK_H_
#define CAIRN_TESTS_BENCH_FLOOR_LINK_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace cairn::bench {

struct LinkFrame {
  enum Kind : char { kSubscribe, kUnsubscribe, kRelay };

  Kind kind;
  uint64_t sender;         // of a relay: it gets no copy
  std::string_view bytes;  // a topic, or a client's whole message
};

inline constexpr size_t kLinkLengthBytes = 4;
inline constexpr size_t kLinkHeadBytes = 1 + sizeof(uint64_t);

inline void AppendLinkFrame(const LinkFrame& frame, std::string& out) {
  const auto length = static_cast<uint32_t>(kLinkHeadBytes + frame.bytes.size());
  char head[kLinkLengthBytes + kLinkHeadBytes];
  std::memcpy(head, &length, kLinkLengthBytes);
  head[kLinkLengthBytes] = frame.kind;
  std::memcpy(head + kLinkLengthBytes + 1, &frame.sender, sizeof frame.sender);
  out.append(head, sizeof head).append(frame.bytes);
}

// Hands out whole frames; returns how many bytes they were.
template <typename OnFrame>
size_t TakeLinkFrames(std::string_view in, OnFrame on_frame) {
  size_t at = 0;
  while (in.size() - at >= kLinkLengthBytes) {
    uint32_t length = 0;
    std::memcpy(&length, in.data() + at, kLinkLengthBytes);
    if (in.size() - at - kLinkLengthBytes < length) break;
    const char* head = in.data() + at + kLinkLengthBytes;
    LinkFrame frame{static_cast<LinkFrame::Kind>(*head), 0, {}};
    std::memcpy(&frame.sender, head + 1, sizeof frame.sender);
    frame.bytes = {head + kLinkHeadBytes, length - kLinkHeadBytes};
    on_frame(frame);
    at += kLinkLengthBytes + length;
  }
  return at;
}

inline sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Both sockets do not block; -1 when that cannot be.
inline int ListenOn(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = LoopbackAddress(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return listen(fd, 4096) == 0 ? fd : -1;
}
inline int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = LoopbackAddress(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? fd : -1;
}

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_FLOOR_LINK_H_
