#include "core/nats_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

namespace cairn::core {

void NatsConnection::Flush() {
  wants_write_ = blocked_ = false;
  while (!failed_ && sent_ < output_.size()) {
    const LaneSocket::Result result = socket_.Write(std::string_view(output_).substr(sent_));
    if (result.status == LaneSocket::Status::kOk) {
      sent_ += result.bytes;
      continue;
    }
    wants_write_ = result.status == LaneSocket::Status::kWantWrite;
    blocked_ = result.status != LaneSocket::Status::kEnd;
    // If OpenSSL wants to read first, it does so when something has come.
    if (blocked_) return;
    failed_ = true;
    shutdown(socket_.fd(), SHUT_RDWR);  // the thread that reads notices it
  }
  sent_ = 0;
  output_.clear();
  if (output_.capacity() > kKeptBytes) std::string().swap(output_);
}

LaneSocket::Status NatsConnection::Receive(std::span<char> into, size_t& bytes) {
  const LaneSocket::Result result = socket_.Read(into);
  bytes = result.bytes;
  reads_blocked_ = result.status == LaneSocket::Status::kWantWrite;
  return reads_blocked_ ? LaneSocket::Status::kWantRead : result.status;
}

uint32_t NatsConnection::wanted_epoll_events() const {
  return wants_write_ || reads_blocked_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

}  // namespace cairn::core
