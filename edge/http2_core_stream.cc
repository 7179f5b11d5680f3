#include "edge/http2_core_stream.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "edge/core_connector.h"
#include "edge/core_return.h"
#include "edge/http2_call.h"
#include "edge/lane_call.h"
#include "edge/stream.h"
#include "proto/link/items.h"
#include "proto/link/link.h"
#include "proto/link/timing.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;

// Read before clients are served again.
constexpr int kReadsPerTurn = 16;
// The core's gRPC opens its windows after every message, by two frames of 13 bytes. That alone does
// not wake the loop: it is read with the next delivery, which is longer, or at the next tick.
constexpr int kWindowUpdateBytes = 26;
// The memory of a message with more is not kept: of one of the largest size with relays it is.
constexpr size_t kKeptMessageBytes = link::kMaxMessageBytes;
constexpr int kKeptItems = 4096;

constexpr int kUnavailable = static_cast<int>(absl::StatusCode::kUnavailable);

using Socket = Stream;

}  // namespace

class Http2CoreStreamOpener::Stream final : public CoreStream, private SocketListener {
 public:
  Stream(Http2CoreStreamOpener& opener, CoreStreamListener& listener);
  ~Stream() override;

  bool Writable() override {
    wants_write_ = !IsWritable();
    return !wants_write_;
  }
  void Write(const LaneToCore& message) override {
    if (!call_) {
      opening_ = message;
      return;
    }
    call_->Send(message);
    Flush();
  }
  void Cancel() override {
    if (!call_) return EndSoon(static_cast<int>(absl::StatusCode::kCancelled), "cancelled");
    call_->Cancel();
    Flush();
    EndSoon(call_->end()->code, call_->end()->message);
  }
  void Tick() override {
    if (got_message_ && !ending_ && opener_.return_->Tick()) return LeaveForPreferred();
    if (low_water_ > 1) OnSocketReady(0);
  }

 private:
  enum class State { kConnecting, kOpen, kEnded };

  void OnSocketReady(uint32_t epoll_events) override;
  // REQUIRES: untried_ is not empty.
  void TryNextCore();
  void OnConnected(absl::StatusOr<Socket> socket);
  void OnFirstFrameTimeout();
  void ScheduleTime();
  void OnTime();

  // The next two return whether the stream still exists.
  // Passes on the core's messages, and ends the stream if the call or the connection has ended.
  bool Read();
  bool HandOut();
  // Writes the output, as far as the kernel accepts it.
  void Flush();
  void Watch();
  // How many bytes must arrive before the loop is woken (SO_RCVLOWAT; unix sockets ignore it).
  void SetLowWater();
  bool IsWritable() const {
    return call_ ? call_->CanSend() && output_.empty() : !opening_.has_value();
  }

  Core& core() { return opener_.cores_[core_]; }

  void LeaveForPreferred();
  // Destroys the stream.
  void End(int code, const std::string& message);
  // The same when called by the listener. Messages received until then are still passed on.
  void EndSoon(int code, const std::string& message);
  // Runs `task` later, unless the stream has been destroyed by then.
  template <typename Task>
  auto IfAlive(Task task) {
    return [alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
      if (!alive.expired()) task();
    };
  }
  absl::Duration Now() const { return opener_.clock_.Elapsed(); }

  // Borrowed; must outlive this.
  Http2CoreStreamOpener& opener_;
  CoreStreamListener& listener_;
  SocketWatch& sockets_;
  // Loop thread only.
  State state_ = State::kConnecting;
  std::deque<size_t> untried_;                    // connecting: cores
  size_t core_ = 0;                               // of the opener's: the one it is connected to
  std::optional<CoreConnector> connector_;        // connecting
  std::optional<LaneToCore> opening_;             // connecting: written as soon as it is open
  std::string failures_;                          // connecting: of the cores that were tried
  std::optional<Http2Call> call_;                 // open
  std::optional<Socket> socket_;                  // open
  std::string address_;                           // of the core, that the socket is connected to
  std::string output_;                            // not accepted by the kernel yet
  CoreToLane message_;                            // its memory is reused
  Socket::Status blocked_ = Socket::Status::kOk;  // what writing waits for
  uint32_t watched_ = 0;
  int low_water_ = 1;
  bool wants_write_ = false;
  bool got_message_ = false;
  bool ending_ = false;  // EndSoon() was called
  bool silent_ = false;  // the core has not answered a PING
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

Http2CoreStreamOpener::Stream::Stream(Http2CoreStreamOpener& opener, CoreStreamListener& listener)
    : opener_(opener), listener_(listener), sockets_(*opener.executor_.sockets()) {
  const std::vector<size_t> turns = opener_.turns_.Next(Now());
  untried_.assign(turns.begin(), turns.end());
  TryNextCore();
}

Http2CoreStreamOpener::Stream::~Stream() {
  if (!socket_) return;
  if (state_ == State::kOpen) {
    if (!call_->end()) call_->Cancel();
    Flush();
    socket_->ShutdownWrite();
  }
  sockets_.ForgetSocket(socket_->fd());
}

// ---- the connection

void Http2CoreStreamOpener::Stream::TryNextCore() {
  core_ = untried_.front();
  untried_.pop_front();
  connector_.emplace(
      opener_.executor_, opener_.options_.targets[core_], opener_.options_.tls, core().lookup,
      Dialer::Wishes{opener_.options_.order, core().last_good, std::exchange(core().avoid, "")},
      absl::FromChrono(untried_.empty() ? link::kConnectTimeout : link::kShortConnectTimeout),
      [this](absl::StatusOr<Socket> socket) { OnConnected(std::move(socket)); });
}

void Http2CoreStreamOpener::Stream::OnConnected(absl::StatusOr<Socket> socket) {
  address_ = connector_->address();
  if (!socket.ok()) {
    absl::StrAppend(&failures_, failures_.empty() ? "" : "; ", socket.status().message());
    connector_.reset();
    if (!untried_.empty() && !ending_) return TryNextCore();
    return End(kUnavailable, std::string(failures_));
  }
  const bool has_others = opener_.cores_.size() > 1 || !connector_->alone();
  const bool impatient =
      has_others && Now() - opener_.left_silent_ > absl::FromChrono(link::kPatientAfterMove);
  call_.emplace(LaneCallOptions(opener_.options_, opener_.options_.targets[core_], impatient));
  if (opening_) call_->Send(*std::exchange(opening_, std::nullopt));
  opener_.return_->OnConnected(core_, address_, connector_->preferred());
  connector_.reset();
  socket_ = *std::move(socket);
  state_ = State::kOpen;
  call_->Connected(Now());
  opener_.executor_.PostAfter(absl::FromChrono(link::kHandshakeTimeout),
                              IfAlive([this] { OnFirstFrameTimeout(); }));
  ScheduleTime();
  Flush();
}

void Http2CoreStreamOpener::Stream::OnFirstFrameTimeout() {
  if (call_->established()) return;
  End(kUnavailable, absl::StrCat(address_, ": no HTTP/2 frame within ",
                                 absl::FormatDuration(absl::FromChrono(link::kHandshakeTimeout))));
}

void Http2CoreStreamOpener::Stream::ScheduleTime() {
  const absl::Duration wait = std::max(call_->next_time() - Now(), absl::Milliseconds(1));
  opener_.executor_.PostAfter(wait, IfAlive([this] { OnTime(); }));
}

void Http2CoreStreamOpener::Stream::OnTime() {
  if (call_->end()) return;
  call_->OnTime(Now());
  silent_ = call_->end().has_value();
  if (silent_) return End(call_->end()->code, call_->end()->message);
  Flush();
  ScheduleTime();
}

// ---- bytes

void Http2CoreStreamOpener::Stream::OnSocketReady(uint32_t) {
  if (ending_) return;
  if (state_ != State::kOpen) return;
  if (!output_.empty()) Flush();
  if (!Read()) return;
  // The input may require an answer, or have opened the core's window.
  Flush();
  if (!wants_write_ || !IsWritable()) return;
  wants_write_ = false;
  listener_.OnStreamWritable();
}

bool Http2CoreStreamOpener::Stream::Read() {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    char* const buffer = opener_.read_buffer_.get();
    const Socket::Result result = socket_->Read({buffer, kReadBytes});
    switch (result.status) {
      case Socket::Status::kOk:
        call_->Receive({buffer, result.bytes}, Now());
        if (!HandOut()) return false;
        // Less than a full buffer means that there is no more, except with TLS, which reads by
        // record.
        if (result.bytes < kReadBytes && !socket_->tls()) return true;
        break;
      case Socket::Status::kWantRead:
        return true;
      case Socket::Status::kWantWrite:
        blocked_ = result.status;
        Watch();
        return true;
      case Socket::Status::kClosed:
        End(kUnavailable, absl::StrCat(address_, ": the core closed the connection"));
        return false;
      case Socket::Status::kLost:
        End(kUnavailable,
            absl::StrCat(address_, ": the connection was lost: ",
                         socket_->tls() ? Socket::LastTlsError() : std::strerror(errno)));
        return false;
    }
  }
  return true;
}

bool Http2CoreStreamOpener::Stream::HandOut() {
  while (const std::optional<std::string_view> bytes = call_->NextMessage()) {
    if (!message_.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
      End(static_cast<int>(absl::StatusCode::kInternal), "a message of the core cannot be parsed");
      return false;
    }
    const bool keep = bytes->size() <= kKeptMessageBytes &&
                      link::ItemCount(message_) <= kKeptItems && message_.part().empty();
    if (!std::exchange(got_message_, true)) {
      core().last_good = address_;
      opener_.turns_.OnGood(core_);
    }
    listener_.OnStreamMessage(message_);
    if (!keep) message_ = CoreToLane();
  }
  if (!call_->end()) return true;
  End(call_->end()->code, call_->end()->message);
  return false;
}

void Http2CoreStreamOpener::Stream::Flush() {
  if (state_ != State::kOpen || ending_) return;
  blocked_ = Socket::Status::kOk;
  for (;;) {
    call_->AppendOutput(output_, kOutputBytes);
    if (output_.empty()) break;
    const Socket::Result result = socket_->Write(output_);
    if (result.status == Socket::Status::kOk) {
      output_.erase(0, result.bytes);
      continue;
    }
    if (result.status == Socket::Status::kClosed || result.status == Socket::Status::kLost)
      return EndSoon(kUnavailable, absl::StrCat(address_, ": the connection was lost"));
    blocked_ = result.status;
    break;
  }
  Watch();
  SetLowWater();
  if (call_->end()) EndSoon(call_->end()->code, call_->end()->message);
}

void Http2CoreStreamOpener::Stream::Watch() {
  const bool for_writing = blocked_ == Socket::Status::kWantWrite;
  const uint32_t wanted = for_writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (std::exchange(watched_, wanted) != wanted) sockets_.WatchSocket(socket_->fd(), wanted, *this);
}

void Http2CoreStreamOpener::Stream::SetLowWater() {
  // A closed window is waited for.
  const int wanted = got_message_ && !socket_->tls() && IsWritable() ? kWindowUpdateBytes + 1 : 1;
  if (std::exchange(low_water_, wanted) != wanted)
    setsockopt(socket_->fd(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
}

// ---- the end

void Http2CoreStreamOpener::Stream::LeaveForPreferred() {
  opener_.turns_.GoBack();
  for (Core& one : opener_.cores_) one.last_good.clear();
  EndSoon(static_cast<int>(absl::StatusCode::kOk), "leaves for a core that it prefers");
}

void Http2CoreStreamOpener::Stream::End(int code, const std::string& message) {
  state_ = State::kEnded;
  if (silent_) opener_.left_silent_ = Now();
  if (!got_message_ || silent_) {
    core().avoid = address_;
    if (!address_.empty()) opener_.turns_.OnFailed(core_, Now());
  }
  // A copy, because it may refer into the call.
  listener_.OnStreamEnded(code, std::string(message));
}

void Http2CoreStreamOpener::Stream::EndSoon(int code, const std::string& message) {
  if (std::exchange(ending_, true)) return;
  opener_.executor_.Post(IfAlive([this, code, message] {
    // The core may have told the reason.
    if (state_ == State::kOpen && !call_->end() && !Read()) return;
    End(code, message);
  }));
}

// ---- Http2CoreStreamOpener

Http2CoreStreamOpener::Http2CoreStreamOpener(Options options, LoopExecutor& executor,
                                             const Clock& clock)
    : options_(std::move(options)),
      executor_(executor),
      clock_(clock),
      turns_(options_.targets.size()),
      return_(std::make_unique<CoreReturn>(options_, executor, clock)),
      read_buffer_(std::make_unique<char[]>(kReadBytes)) {
  CAIRN_CHECK(executor.sockets() != nullptr && !options_.targets.empty());
  for (size_t i = 0; i < options_.targets.size(); ++i) cores_.emplace_back(executor);
}

Http2CoreStreamOpener::~Http2CoreStreamOpener() = default;

std::unique_ptr<CoreStream> Http2CoreStreamOpener::OpenStream(CoreStreamListener& listener) {
  return std::make_unique<Stream>(*this, listener);
}

}  // namespace cairn::edge
