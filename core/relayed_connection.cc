#include "core/relayed_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace cairn::core {

void RelayedConnection::Move(absl::Duration now) {
  if (over_) return;
  Read(caller_, up_);
  MoveUp(now);
  if (down_.empty()) Read(grpc_, down_);
  const bool told = Send(caller_, down_, down_.size());
  if (grpc_.ended && told) over_ = true;
  if ((grpc_.ended || caller_.ended) && leave_by_ == absl::InfiniteDuration())
    leave_by_ = now + kTimeToLeave;
  over_ = over_ || frames_.broken() || now >= leave_by_;
}

void RelayedConnection::MoveUp(absl::Duration now) {
  admitted_ += frames_.Admit(std::string_view(up_).substr(admitted_), now);
  const size_t before = up_.size();
  Send(grpc_, up_, admitted_);
  admitted_ -= before - up_.size();
  if (!caller_.ended || !up_.empty() || shut_) return;
  shut_ = true;
  shutdown(grpc_.fd.get(), SHUT_WR);
}

void RelayedConnection::Read(End& from, std::string& into) {
  if (from.ended || into.size() >= kBufferBytes) return;
  char buffer[kBufferBytes];
  const ssize_t bytes = recv(from.fd.get(), buffer, kBufferBytes - into.size(), 0);
  if (bytes > 0) into.append(buffer, static_cast<size_t>(bytes));
  if (bytes == 0) from.ended = true;
  if (bytes < 0 && errno != EAGAIN && errno != EINTR) over_ = true;
}

bool RelayedConnection::Send(const End& to, std::string& bytes, size_t count) {
  if (count == 0) return true;
  const ssize_t sent = send(to.fd.get(), bytes.data(), count, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) over_ = true;
  if (sent > 0) bytes.erase(0, static_cast<size_t>(sent));
  return sent == static_cast<ssize_t>(count);
}

absl::Duration RelayedConnection::wakes() const { return std::min(leave_by_, frames_.resumes()); }

uint32_t RelayedConnection::caller_events() const {
  const bool reads = !caller_.ended && up_.size() < kBufferBytes;
  return (reads ? uint32_t{EPOLLIN} : 0) | (down_.empty() ? 0 : uint32_t{EPOLLOUT});
}

uint32_t RelayedConnection::grpc_events() const {
  const bool reads = !grpc_.ended && down_.empty();
  return (reads ? uint32_t{EPOLLIN} : 0) | (admitted_ == 0 ? 0 : uint32_t{EPOLLOUT});
}

}  // namespace cairn::core
