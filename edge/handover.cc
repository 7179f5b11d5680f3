#include "edge/handover.h"

#include <absl/strings/str_format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

namespace cairn::edge {
namespace {

// A local address as in /proc/net/tcp: each 32-bit word in the machine's byte order, then the port.
std::string ProcForm(const SocketAddress& address) {
  std::string form;
  if (address.family() == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address.get(), sizeof in);
    form = absl::StrFormat("%08X", in.sin_addr.s_addr);
  } else {
    sockaddr_in6 in;
    std::memcpy(&in, address.get(), sizeof in);
    for (const uint32_t word : in.sin6_addr.s6_addr32) absl::StrAppendFormat(&form, "%08X", word);
  }
  absl::StrAppendFormat(&form, ":%04X", address.port());
  return form;
}

// `option`: SO_ATTACH_REUSEPORT_CBPF, of the whole group, or SO_ATTACH_FILTER, of this socket.
template <size_t kSize>
void Attach(int fd, int option, sock_filter (&code)[kSize]) {
  const sock_fprog program = {kSize, code};
  setsockopt(fd, SOL_SOCKET, option, &program, sizeof program);
}

}  // namespace

// proc(5), /proc/net/tcp. Listening sockets come first; there may be many connections after them.
uint32_t Handover::CountListening(const SocketAddress& address) {
  std::ifstream table(address.family() == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6");
  const std::string wanted = ProcForm(address);
  std::string line;
  std::getline(table, line);  // the header line
  uint32_t count = 0;
  std::string slot, local, remote, state;
  while (table >> slot >> local >> remote >> state && state == "0A") {
    if (local == wanted) ++count;
    std::getline(table, line);
  }
  return count;
}

std::optional<Handover> Handover::ToLaterSockets(const SocketAddress& address, uint32_t own) {
  const uint32_t all = CountListening(address);
  if (all <= own) return std::nullopt;
  return Handover(own, all - own);
}

// The program's result is the index of a socket in the group; with an index out of range the kernel
// chooses by its own hash.

void Handover::TakeOver(int fd, uint32_t earlier, uint32_t own) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, own),
      BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, earlier),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  Attach(fd, SO_ATTACH_REUSEPORT_CBPF, code);
}

void Handover::Begin(int fd) const { TakeOver(fd, own_, others_); }

// As long as own sockets are left, they keep their indexes below own_, and there are at least
// others_ + 1 sockets: index others_ belongs to the others if they are not fewer. When only the
// others' sockets are left it is out of range.
void Handover::BeforeClose(int fd) const {
  sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, std::max(own_, others_))};
  Attach(fd, SO_ATTACH_REUSEPORT_CBPF, code);
}

// The kernel's own rule may choose a socket that has left and is not closed yet: that one drops
// what it gets, and the client sends it again, a second later. A reset would be final.
void Handover::Leave(int fd) const {
  sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  Attach(fd, SO_ATTACH_FILTER, drop);
  if (left_->fetch_sub(1) > 1) return;
  const int unused = 0;
  setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof unused);
}

}  // namespace cairn::edge
