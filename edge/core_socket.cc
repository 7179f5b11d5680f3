#include "edge/core_socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>

namespace cairn::edge {
namespace {

// What opens the windows: two frames of 13 bytes.
constexpr int kWindowUpdateBytes = 26;

}  // namespace

Stream::Result CoreSocket::Read(std::span<char> into) {
  const Stream::Result result = stream_.Read(into);
  if (result.status == Stream::Status::kWantWrite) {
    blocked_ = result.status;
    if (!Watch()) return {Stream::Status::kLost};
  }
  return result;
}

bool CoreSocket::Write(Http2Call& call) {
  blocked_ = Stream::Status::kOk;
  for (;;) {
    call.AppendOutput(output_, kOutputBytes);
    if (output_.empty()) break;
    const Stream::Result result = stream_.Write(output_);
    if (result.status == Stream::Status::kOk) {
      output_.erase(0, result.bytes);
      continue;
    }
    if (result.status == Stream::Status::kClosed || result.status == Stream::Status::kLost)
      return false;
    blocked_ = result.status;
    break;
  }
  return Watch();
}

bool CoreSocket::Watch() {
  const bool for_writing = blocked_ == Stream::Status::kWantWrite;
  const uint32_t wanted = for_writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (std::exchange(watched_, wanted) == wanted) return true;
  return sockets_.WatchSocket(stream_.fd(), wanted, listener_);
}

// By SO_RCVLOWAT: how many bytes must arrive before the loop is woken. Unix sockets ignore it.
void CoreSocket::SetLazy(bool lazy) {
  const int wanted = lazy && !tls() ? kWindowUpdateBytes + 1 : 1;
  if (std::exchange(low_water_, wanted) != wanted)
    setsockopt(stream_.fd(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
}

}  // namespace cairn::edge
