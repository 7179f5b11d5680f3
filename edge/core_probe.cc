#include "edge/core_probe.h"

#include <sys/epoll.h>

#include <utility>

#include "edge/lane_call.h"
#include "proto/link/timing.h"

namespace cairn::edge {
namespace {

// Before it gets a lane's Hello, a core sends only some frames.
constexpr size_t kReadBytes = 4 << 10;
constexpr size_t kOutputBytes = 64 << 10;

}  // namespace

CoreProbe::CoreProbe(const Http2CoreStreamOpener::Options& options, const CoreTarget& target,
                     LoopExecutor& executor, const Clock& clock, Done done,
                     const std::string& avoid)
    : executor_(executor),
      clock_(clock),
      done_(std::move(done)),
      call_(LaneCallOptions(options, target, /*has_others=*/true)),
      lookup_(executor) {
  connector_.emplace(executor_, target, options.tls, lookup_,
                     Dialer::Wishes{options.order, "", avoid},
                     absl::FromChrono(link::kConnectTimeout),
                     [this](absl::StatusOr<Stream> socket) { OnConnected(std::move(socket)); });
}

CoreProbe::~CoreProbe() {
  if (!socket_) return;
  if (!call_.end()) call_.Cancel();
  Flush();
  socket_->ShutdownWrite();
  executor_.sockets()->ForgetSocket(socket_->fd());
}

void CoreProbe::OnConnected(absl::StatusOr<Stream> socket) {
  found_ = {connector_->address(), connector_->preferred()};
  connector_.reset();
  if (!socket.ok()) return Finish(false);
  socket_ = *std::move(socket);
  call_.Connected(clock_.Elapsed());
  if (!executor_.sockets()->WatchSocket(socket_->fd(), EPOLLIN, *this)) return Finish(false);
  Flush();
  executor_.PostAfter(absl::FromChrono(link::kImpatientTimeout),
                      [this, alive = std::weak_ptr<bool>(alive_)] {
                        if (!alive.expired()) Finish(false);
                      });
}

void CoreProbe::OnSocketReady(uint32_t) {
  char buffer[kReadBytes];
  for (;;) {
    const Stream::Result result = socket_->Read(buffer);
    if (result.status == Stream::Status::kWantRead || result.status == Stream::Status::kWantWrite)
      break;
    if (result.status != Stream::Status::kOk) return Finish(false);
    call_.Receive({buffer, result.bytes}, clock_.Elapsed());
  }
  // A core that refuses the call is not well for this edge.
  if (call_.end()) return Finish(false);
  Flush();
  if (call_.established()) Finish(true);
}

// The kernel takes so little at once.
void CoreProbe::Flush() {
  std::string output;
  call_.AppendOutput(output, kOutputBytes);
  if (!output.empty()) socket_->Write(output);
}

// Must be the last statement: the probe may be destroyed by it.
void CoreProbe::Finish(bool well) {
  if (!done_) return;
  std::exchange(done_, nullptr)(well ? std::optional<Found>(found_) : std::nullopt);
}

}  // namespace cairn::edge
