#include "core/nats_connection.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace cairn::core {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

void AppendHex(uint64_t id, std::string& to) {
  absl::StrAppend(&to, absl::Hex(id, absl::kZeroPad16));
}

}  // namespace

NatsSubjects::NatsSubjects(const NatsOptions& options)
    : prefix_(absl::StrCat("sg.", options.fleet, ".")), all_(absl::StrCat(prefix_, "all")) {
  AppendInboxOf(options.core_id, inbox_);
  own_ = absl::StrCat(prefix_, "n.", absl::Hex(options.core_id, absl::kZeroPad16), ".");
  answers_ = absl::StrCat(own_, "*");
}

void NatsSubjects::AppendInboxOf(uint64_t core_id, std::string& to) const {
  to.append(prefix_).append("c.");
  AppendHex(core_id, to);
}

void NatsSubjects::AppendAnswerOf(uint64_t core_id, std::string& to) const {
  to.append(own_);
  AppendHex(core_id, to);
}

std::optional<uint64_t> NatsSubjects::CoreOf(std::string_view answer) const {
  uint64_t id = 0;
  if (answer.substr(0, own_.size()) != own_ ||
      !absl::SimpleHexAtoi(std::string(answer.substr(own_.size())), &id))
    return std::nullopt;
  return id;
}

void NatsConnection::Publish(const signaling::v1::MeshMessage& head, std::string_view items) {
  output_.append("PUB ");
  if (head.to() == 0) {
    output_.append(subjects_.all());
  } else {
    subjects_.AppendInboxOf(head.to(), output_);
    output_.push_back(' ');
    subjects_.AppendAnswerOf(head.to(), output_);
  }
  const size_t head_bytes = head.ByteSizeLong();
  absl::StrAppend(&output_, " ", head_bytes + items.size(), kLineEnd.data());
  const size_t at = output_.size();
  output_.resize(at + head_bytes);
  head.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(output_.data()) + at);
  output_.append(items).append(kLineEnd);
}

void NatsConnection::Flush() {
  wants_write_ = false;
  while (!failed_ && sent_ < output_.size()) {
    const LaneSocket::Result result = socket_.Write(std::string_view(output_).substr(sent_));
    if (result.status == LaneSocket::Status::kOk) {
      sent_ += result.bytes;
      continue;
    }
    wants_write_ = result.status == LaneSocket::Status::kWantWrite;
    // If OpenSSL wants to read first, it does so when something has come.
    if (result.status != LaneSocket::Status::kEnd) return;
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
