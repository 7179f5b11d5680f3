#include "core/unauthenticated_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "core/http2_frames.h"

namespace cairn::core {
namespace {

constexpr size_t kMaxDiscarded = 256 << 10;
constexpr std::string_view kLanes = "/cairn.signaling.v1.Lanes/";
// It only reveals that the server serves. Kubernetes' probes cannot send a token.
constexpr std::string_view kHealth = "/grpc.health.v1.Health/Check";

}  // namespace

UnauthenticatedConnection::UnauthenticatedConnection(UniqueFd fd)
    : fd_(std::move(fd)), first_request_(std::make_unique<FirstRequest>()) {
  const std::string settings = FirstRequest::Settings();
  // It fits into any socket's buffer. If the other side has closed, the next read will tell.
  static_cast<void>(send(fd_.get(), settings.data(), settings.size(), MSG_NOSIGNAL));
}

UnauthenticatedConnection::Step UnauthenticatedConnection::OnReadable(const Authority& authority) {
  char buffer[16 << 10];
  const ssize_t size = recv(fd_.get(), buffer, sizeof buffer, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Step::kWait;
  if (size <= 0) return Step::kEnd;
  const std::string_view bytes(buffer, static_cast<size_t>(size));
  if (leaving_) {
    discarded_ += bytes.size();
    return discarded_ > kMaxDiscarded ? Step::kEnd : Step::kWait;
  }
  switch (first_request_->Take(bytes)) {
    case FirstRequest::State::kReading:
      return Step::kWait;
    case FirstRequest::State::kBroken:
      return Step::kBroken;
    case FirstRequest::State::kHasRequest:
      return known_ || CheckCredential(authority) ? Step::kWait : Step::kRefused;
    case FirstRequest::State::kComplete:
      return known_ || CheckCredential(authority) ? Step::kLetIn : Step::kRefused;
  }
  return Step::kEnd;
}

bool UnauthenticatedConnection::CheckCredential(const Authority& authority) {
  const std::string_view path = first_request_->path();
  const bool is_edge = path.starts_with(kLanes);
  Credentials credentials;
  credentials.bearer_token = bearer_token();
  const absl::Status status =
      authority.Check(credentials, is_edge ? Capability::kOpenLane : Capability::kView);
  // With a credential of another kind, gRPC's services refuse the call, and the connection stays.
  known_ = !absl::IsUnauthenticated(status);
  is_edge_ = is_edge && status.ok();
  if (known_) return true;
  if (path == kHealth) {
    Answer(http2::Serving(first_request_->stream_id()));
  } else {
    if (is_edge) refusal_ = status;
    Refuse(status);
  }
  return false;
}

void UnauthenticatedConnection::Refuse(const absl::Status& status) {
  Answer(http2::Refusal(first_request_->stream_id(), static_cast<int>(status.code()),
                        std::string(status.message())));
}

void UnauthenticatedConnection::Answer(const std::string& bytes) {
  leaving_ = true;
  // It fits: only SETTINGS was sent before. If the other side has closed, the next read will tell.
  static_cast<void>(send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  shutdown(fd_.get(), SHUT_WR);
}

}  // namespace cairn::core
