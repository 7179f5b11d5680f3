#include "core/unauthenticated_connection.h"

#include <utility>

#include "core/http2_frames.h"
#include "core/lane_tls.h"

namespace cairn::core {
namespace {

constexpr size_t kMaxDiscarded = 256 << 10;
constexpr std::string_view kLanes = "/cairn.signaling.v1.Lanes/";
// It only reveals that the server serves. Kubernetes' probes cannot send a token.
constexpr std::string_view kHealth = "/grpc.health.v1.Health/Check";

}  // namespace

UnauthenticatedConnection::UnauthenticatedConnection(LaneSocket socket)
    : socket_(std::move(socket)), first_request_(std::make_unique<FirstRequest>()) {
  if (!socket_.ssl()) BeginCall();
}

LaneSocket::Status UnauthenticatedConnection::BeginCall() {
  if (begun_) return LaneSocket::Status::kOk;
  const LaneSocket::Status status = socket_.Handshake();
  if (status != LaneSocket::Status::kOk) return status;
  begun_ = true;
  // It fits into any socket's buffer. If the other side has closed, the next read will tell.
  socket_.Write(FirstRequest::Settings());
  return status;
}

UnauthenticatedConnection::Step UnauthenticatedConnection::OnReadable(const Authority& authority) {
  Step step = Step::kWait;
  do {
    // What a handshake writes fits into any socket's buffer, too.
    const LaneSocket::Status begun = BeginCall();
    if (begun != LaneSocket::Status::kOk)
      return begun == LaneSocket::Status::kWantRead ? Step::kWait : Step::kEnd;
    char buffer[16 << 10];
    const LaneSocket::Result result = socket_.Read(buffer);
    if (result.status == LaneSocket::Status::kWantRead) return step;
    if (result.status != LaneSocket::Status::kOk) return Step::kEnd;
    step = Take({buffer, result.bytes}, authority);
  } while (step == Step::kWait && socket_.HasPending());
  return step;
}

UnauthenticatedConnection::Step UnauthenticatedConnection::Take(std::string_view bytes,
                                                                const Authority& authority) {
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

Credentials UnauthenticatedConnection::credentials() const {
  Credentials credentials = socket_.ssl() ? LaneTls::CallerOf(*socket_.ssl()) : Credentials();
  credentials.bearer_token = BearerTokenOf(first_request_->authorization());
  return credentials;
}

bool UnauthenticatedConnection::CheckCredential(const Authority& authority) {
  const std::string_view path = first_request_->path();
  const bool is_edge = path.starts_with(kLanes);
  absl::Status status =
      authority.Check(credentials(), is_edge ? Capability::kOpenLane : Capability::kView);
  // With a credential of another kind, gRPC's services refuse the call, and the connection stays.
  known_ = !absl::IsUnauthenticated(status);
  may_open_lane_ = is_edge && status.ok();
  if (socket_.ssl() && !is_lane()) {
    known_ = false;
    if (status.ok())
      status = absl::UnimplementedError("a connection for lanes carries nothing else");
  }
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
  socket_.Write(bytes);
  socket_.ShutdownWrite();
}

}  // namespace cairn::core
