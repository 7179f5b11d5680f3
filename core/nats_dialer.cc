#include "core/nats_dialer.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/host_port.h"
#include "base/tls_settings.h"
#include "base/unique_fd.h"
#include "core/mesh_bus.h"
#include "core/nats_greeting.h"
#include "core/nats_tls.h"
#include "core/nats_user.h"

namespace cairn::core {
namespace {

using Steady = std::chrono::steady_clock;
using Frame = NatsFrames::Frame;

// The headers of what the server sends itself are some bytes.
constexpr size_t kMaxReceivedBytes = kMaxBusMessageBytes + (4 << 10);

absl::Status System(std::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(std::string(what), ": ", std::strerror(error)));
}

absl::Status Said(const Frame& error) {
  return absl::UnavailableError(absl::StrCat("the server says: ", std::string(error.text)));
}

struct AddressesDeleter {
  void operator()(addrinfo* all) const { freeaddrinfo(all); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

absl::StatusOr<Addresses> LookUp(const HostPort& address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error == EAI_SYSTEM) return System("looking up the host", errno);
  if (error != 0)
    return absl::UnavailableError(absl::StrCat("looking up the host: ", gai_strerror(error)));
  return Addresses(found);
}

// One attempt.
class Dial {
 public:
  Dial(const NatsOptions& options, int stop_fd)
      : options_(options), stop_fd_(stop_fd), frames_(kMaxReceivedBytes) {}

  absl::Status Connect(const HostPort& address);
  absl::Status Greet(const HostPort& address, bool tls);
  absl::Status Subscribe(const NatsSubjects& subjects);
  LaneSocket TakeSocket() { return std::move(socket_); }
  NatsFrames TakeFrames() { return std::move(frames_); }

 private:
  absl::Status ConnectTo(const addrinfo& address, Steady::time_point end);
  absl::Status Introduce(const NatsInfo& info, bool tls);
  absl::Status BeginTls(const std::string& host);
  // Until the socket is ready for `events` of poll(2).
  absl::Status Await(short events, Steady::time_point end);
  // Until it can go on after kWantRead or kWantWrite.
  absl::Status AwaitFor(LaneSocket::Status wanted) {
    return Await(wanted == LaneSocket::Status::kWantRead ? POLLIN : POLLOUT, end_);
  }
  absl::StatusOr<Frame> NextFrame();
  absl::Status Write(std::string_view bytes);
  absl::Status Lost() const;

  const NatsOptions& options_;
  const int stop_fd_;
  Steady::time_point end_;
  LaneSocket socket_;
  NatsFrames frames_;
  std::string output_;
};

absl::Status Dial::Await(short events, Steady::time_point end) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Steady::now());
    pollfd polled[] = {{socket_.fd(), events, 0}, {stop_fd_, POLLIN, 0}};
    const int ready =
        poll(polled, std::size(polled), std::max<int>(static_cast<int>(left.count()), 0));
    if (ready < 0 && errno != EINTR) return System("poll", errno);
    if (ready > 0 && polled[1].revents != 0) return absl::CancelledError("stopped");
    if (ready > 0) return absl::OkStatus();
    if (Steady::now() >= end) return absl::UnavailableError("the server does not answer");
  }
}

absl::Status Dial::Connect(const HostPort& address) {
  const absl::StatusOr<Addresses> all = LookUp(address);
  if (!all.ok()) return all.status();
  end_ = Steady::now() + absl::ToChronoMilliseconds(kNatsTimeToConnect);
  int left = 0;
  for (const addrinfo* one = all->get(); one; one = one->ai_next) ++left;
  absl::Status status = absl::UnavailableError("the host has no address");
  // An address that does not answer leaves time for those after it.
  for (const addrinfo* one = all->get(); one; one = one->ai_next, --left) {
    const Steady::time_point now = Steady::now();
    status = ConnectTo(*one, now + (end_ - now) / left);
    if (status.ok() || absl::IsCancelled(status)) break;
  }
  return status;
}

absl::Status Dial::ConnectTo(const addrinfo& address, Steady::time_point end) {
  UniqueFd fd(socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     address.ai_protocol));
  if (!fd.valid()) return System("socket", errno);
  const int yes = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const bool refused = connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0;
  if (refused && errno != EINPROGRESS) return System("connecting", errno);
  socket_ = LaneSocket(std::move(fd));
  if (absl::Status status = Await(POLLOUT, end); !status.ok()) return status;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? absl::OkStatus() : System("connecting", error);
}

// A server that refuses our certificate says so after a handshake of TLS 1.3.
absl::Status Dial::Lost() const {
  if (socket_.ssl() && ERR_peek_last_error() != 0)
    return absl::UnavailableError(absl::StrCat("TLS: ", TakeTlsError()));
  return absl::UnavailableError("the server closed the connection");
}

absl::StatusOr<Frame> Dial::NextFrame() {
  for (;;) {
    if (const std::optional<Frame> frame = frames_.Next()) return *frame;
    if (frames_.broken()) return absl::UnavailableError("the server does not speak NATS");
    const LaneSocket::Result result = socket_.Read(frames_.Room());
    if (result.status == LaneSocket::Status::kEnd) return Lost();
    if (result.status == LaneSocket::Status::kOk) {
      frames_.OnReceived(result.bytes);
      continue;
    }
    if (absl::Status status = AwaitFor(result.status); !status.ok()) return status;
  }
}

absl::Status Dial::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const LaneSocket::Result result = socket_.Write(bytes);
    if (result.status == LaneSocket::Status::kEnd) return Lost();
    if (result.status == LaneSocket::Status::kOk) {
      bytes.remove_prefix(result.bytes);
      continue;
    }
    if (absl::Status status = AwaitFor(result.status); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Dial::Greet(const HostPort& address, bool tls) {
  const absl::StatusOr<Frame> frame = NextFrame();
  if (!frame.ok()) return frame.status();
  if (frame->kind == Frame::Kind::kError) return Said(*frame);
  if (frame->kind != Frame::Kind::kInfo)
    return absl::UnavailableError("the server does not speak NATS");
  const absl::StatusOr<NatsInfo> info = ParseNatsInfo(frame->text);
  if (!info.ok()) return info.status();
  if (info->lame_duck) return absl::UnavailableError("the server is about to end");
  if (!tls && info->tls_required)
    return absl::UnavailableError("the server wants TLS: its URL begins with tls://");
  if (tls && !info->tls) return absl::UnavailableError("the server has no TLS");
  if (!info->headers)
    return absl::UnavailableError("the server is older than NATS 2.2, or has no_header_support");
  if (info->max_payload < static_cast<int64_t>(kMaxBusMessageBytes))
    return absl::UnavailableError(absl::StrFormat("the server's max_payload is %d, and below %d",
                                                  info->max_payload, kMaxBusMessageBytes));
  if (tls) {
    if (absl::Status status = BeginTls(address.host); !status.ok()) return status;
  }
  return Introduce(*info, tls);
}

absl::Status Dial::BeginTls(const std::string& host) {
  const absl::StatusOr<SslContextPtr> context = NewNatsTls(options_);
  if (!context.ok()) return context.status();
  SslPtr ssl = NewClientConnection(context->get(), socket_.fd(), host);
  if (!ssl) return absl::ResourceExhaustedError("out of memory for TLS");
  socket_ = LaneSocket(socket_.TakeFd(), std::move(ssl));
  for (;;) {
    const LaneSocket::Status status = socket_.Handshake();
    if (status == LaneSocket::Status::kOk) return absl::OkStatus();
    if (status == LaneSocket::Status::kEnd)
      return absl::UnavailableError(
          absl::StrCat("TLS: ", HandshakeFailure(*socket_.ssl(), "the server")));
    if (absl::Status waited = AwaitFor(status); !waited.ok()) return waited;
  }
}

absl::Status Dial::Introduce(const NatsInfo& info, bool tls) {
  const absl::StatusOr<NatsUser> user = NatsUser::Read(options_);
  if (!user.ok()) return user.status();
  NatsIntroduction who;
  who.name = absl::StrCat("cairn-signal ", absl::Hex(options_.core_id, absl::kZeroPad16));
  who.tls = tls;
  if (user->anybody()) {
    if (info.nonce.empty())
      return absl::UnavailableError("the server asks nobody for a key, and this core has one");
    const absl::StatusOr<std::string> signature = user->Sign(info.nonce);
    if (!signature.ok()) return signature.status();
    who.nkey = user->nkey();
    who.jwt = user->jwt();
    who.signature = *signature;
  }
  output_ = NatsConnect(who);
  return absl::OkStatus();
}

absl::Status Dial::Subscribe(const NatsSubjects& subjects) {
  int number = 0;
  for (const std::string* subject : {&subjects.inbox(), &subjects.all(), &subjects.answers()})
    absl::StrAppend(&output_, "SUB ", *subject, " ", ++number, "\r\n");
  output_.append("PING\r\n");
  if (absl::Status status = Write(output_); !status.ok()) return status;
  for (;;) {
    const absl::StatusOr<Frame> frame = NextFrame();
    if (!frame.ok()) return frame.status();
    if (frame->kind == Frame::Kind::kPong) return absl::OkStatus();
    if (frame->kind == Frame::Kind::kError) return Said(*frame);
    // A message is lost, as one that came a moment before.
  }
}

}  // namespace

absl::StatusOr<NatsDialed> DialNats(const std::string& url, const NatsOptions& options,
                                    const NatsSubjects& subjects, int stop_fd) {
  const absl::StatusOr<HostPort> address = ParseHostPort(url.substr(url.find("://") + 3));
  if (!address.ok()) return address.status();
  Dial dial(options, stop_fd);
  absl::Status status = dial.Connect(*address);
  if (status.ok()) status = dial.Greet(*address, absl::StartsWith(url, "tls://"));
  if (status.ok()) status = dial.Subscribe(subjects);
  if (!status.ok()) return status;
  return NatsDialed{std::make_unique<NatsConnection>(dial.TakeSocket(), subjects),
                    dial.TakeFrames()};
}

}  // namespace cairn::core
