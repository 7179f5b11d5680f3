#include "tests/bench/peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "proto/wire/message_writer.h"

namespace cairn::bench {
namespace {

constexpr uint8_t kBinary = 0x2;
constexpr uint8_t kClose = 0x8;
constexpr uint8_t kPing = 0x9;
constexpr uint8_t kPong = 0xa;

// The nonce and its answer are the example of RFC 6455 section 1.3.
constexpr std::string_view kUpgradeRequest =
    "GET / HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    "Connection: Upgrade\r\n"
    "Upgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "User-Agent: cairn-load\r\n";
constexpr std::string_view kV2Offer = "Sec-WebSocket-Protocol: cairn.signal.v2\r\n";
constexpr std::string_view kAccepted = "HTTP/1.1 101 ";
constexpr std::string_view kAcceptValue = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

uint32_t NextMaskKey() {
  static uint32_t state = 0x9e3779b9;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

void AppendMasked(std::string_view body, std::string& out) {
  const uint32_t key = NextMaskKey();
  char bytes[4];
  std::memcpy(bytes, &key, 4);
  out.append(bytes, 4);
  const size_t start = out.size();
  out.append(body);
  char* at = out.data() + start;
  size_t i = 0;
  for (; i + 4 <= body.size(); i += 4) {
    uint32_t word = 0;
    std::memcpy(&word, at + i, 4);
    word ^= key;
    std::memcpy(at + i, &word, 4);
  }
  for (; i < body.size(); ++i) at[i] = static_cast<char>(at[i] ^ bytes[i % 4]);
}

// {"Subscribe": {"topic": topic}}
std::string SubscribeMessage(std::string_view topic) {
  CAIRN_CHECK(topic.size() < 256);
  std::string message = "\xa1\x69Subscribe\xa1\x65topic";
  if (topic.size() < 24) {
    message.push_back(static_cast<char>(0x60 + topic.size()));
  } else {
    message.push_back('\x78');
    message.push_back(static_cast<char>(topic.size()));
  }
  return message.append(topic);
}

void SetSocketOptions(int fd, bool reset_on_close) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Whatever the system's default is: bbr paces, which would be measured too.
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  linger reset = {};
  reset.l_onoff = 1;
  if (reset_on_close) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

}  // namespace

Peer::Peer(Poller& poller, PeerListener& listener, PeerConfig config)
    : poller_(poller), listener_(listener), config_(std::move(config)) {}

void Peer::Connect() {
  fd_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_.valid()) return Lose("no socket: too many open files?");
  SetSocketOptions(fd_.get(), config_.reset_on_close);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(config_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int result =
      connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result != 0 && errno != EINPROGRESS) return Lose("connect failed");
  state_ = State::kConnecting;
  watching_writable_ = true;
  poller_.Add(fd_.get(), EPOLLIN | EPOLLOUT, *this);
}

void Peer::OnReady(uint32_t epoll_events) {
  if (state_ == State::kConnecting) {
    if (epoll_events & (EPOLLERR | EPOLLHUP)) return Lose("connection refused");
    state_ = State::kUpgrading;
    out_ = kUpgradeRequest;
    if (config_.v2) out_ += kV2Offer;
    out_ += "\r\n";
  }
  if (epoll_events & EPOLLOUT) poller_.Touch(*this);
  if (epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP)) Read();
}

void Peer::Read() {
  if (state_ == State::kLost) return;
  const std::span<char> buffer = poller_.read_buffer();
  const ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return Lose("closed by the server");
  std::string_view in(buffer.data(), static_cast<size_t>(n));
  if (partial_.empty()) {
    OnBytes(in);
    partial_.assign(in);
  } else {
    partial_.append(in);
    std::string joined = std::move(partial_);
    in = joined;
    OnBytes(in);
    partial_.assign(in);
  }
}

void Peer::OnBytes(std::string_view& in) {
  if (state_ == State::kUpgrading && !TakeUpgradeAnswer(in)) return;
  while (state_ != State::kLost) {
    Frame frame;
    switch (TakeFrame(in, frame)) {
      case FrameStatus::kFrame:
        OnFrame(frame);
        break;
      case FrameStatus::kNeedMore:
        return;
      case FrameStatus::kBroken:
        return Lose("a frame that no server may send");
    }
  }
}

bool Peer::TakeUpgradeAnswer(std::string_view& in) {
  const size_t end = in.find("\r\n\r\n");
  if (end == in.npos) return false;
  const std::string_view head = in.substr(0, end);
  const bool has_dialect =
      !config_.v2 || head.find(kV2Offer.substr(0, kV2Offer.size() - 2)) != head.npos;
  if (!head.starts_with(kAccepted) || head.find(kAcceptValue) == head.npos || !has_dialect) {
    Lose("upgrade refused");
    return false;
  }
  in.remove_prefix(end + 4);
  state_ = State::kOpen;
  for (const std::string& topic : config_.topics) Send(kBinary, SubscribeMessage(topic));
  if (config_.eager) {
    state_ = State::kReady;
    listener_.OnReady(*this);
  } else {
    Send(kPing, "");
  }
  return true;
}

void Peer::OnFrame(const Frame& frame) {
  ReceivedRelay relay;
  switch (frame.opcode) {
    case kBinary:
      if (ReadRelay(frame.payload, config_.v2, relay)) return listener_.OnRelay(*this, relay);
      if (config_.v2) return listener_.OnV2Message(*this, frame.payload);
      return Lose("a message that is not a canonical Relay");
    case kPing:
      return Send(kPong, frame.payload);
    case kPong:
      if (state_ != State::kOpen) return Lose("a pong to no ping");
      state_ = State::kReady;
      return listener_.OnReady(*this);
    case kClose:
      return Lose("closed by the server with a Close frame");
    default:
      return Lose("an unexpected opcode");
  }
}

void Peer::SendRelay(std::string_view topic, std::string_view payload) {
  if (state_ == State::kLost) return;
  CAIRN_CHECK(state_ == State::kReady);
  static std::string message;
  message.clear();
  wire::AppendRelay(topic, payload, message);
  Send(kBinary, message);
}

void Peer::Close() {
  state_ = State::kLost;
  fd_.Reset();
}

void Peer::Send(uint8_t opcode, std::string_view body) {
  CAIRN_CHECK(body.size() <= 0xffff);
  out_.push_back(static_cast<char>(0x80 | opcode));
  if (body.size() < 126) {
    out_.push_back(static_cast<char>(0x80 | body.size()));
  } else {
    out_.push_back('\xfe');
    out_.push_back(static_cast<char>(body.size() >> 8));
    out_.push_back(static_cast<char>(body.size() & 0xff));
  }
  AppendMasked(body, out_);
  poller_.Touch(*this);
}

void Peer::Flush() {
  if (state_ == State::kLost || state_ == State::kConnecting) return;
  while (out_sent_ < out_.size()) {
    const ssize_t n =
        send(fd_.get(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Watch(true);
    if (n < 0) return Lose("reset by the server");
    out_sent_ += static_cast<size_t>(n);
  }
  out_.clear();
  out_sent_ = 0;
  Watch(false);
}

void Peer::Watch(bool writable) {
  if (writable == watching_writable_) return;
  watching_writable_ = writable;
  poller_.Change(fd_.get(), EPOLLIN | (writable ? uint32_t{EPOLLOUT} : 0u), *this);
}

void Peer::Lose(const char* why) {
  if (state_ == State::kLost) return;
  state_ = State::kLost;
  fd_.Reset();
  listener_.OnLost(*this, why);
}

}  // namespace cairn::bench
