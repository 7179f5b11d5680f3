// floor_relay: the least a relay can do, to compare with: floor_relay PORT [HUBPORT].
//
// With the port of a floor_hub, every relay goes by way of that, and so to the clients of other
// floor_relays: the least that two edges and a core can do.
//
// One thread, one epoll set, one read and one write per ready socket and turn. It speaks the
// protocol to clients that keep to it, and has nothing else: no limits, no TLS, no tokens, no pings
// of its own, no checks but those that keep it from reading past its buffers. Not to be used.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/bench/floor_frames.h"
#include "tests/bench/floor_link.h"

namespace {

using cairn::bench::AppendHeader;
using cairn::bench::kRelayHead;
using cairn::bench::LinkFrame;
using cairn::bench::ReadText;
using cairn::bench::Unmask;

struct Client;

struct Topic {
  std::string name;
  std::vector<Client*> clients;
};

struct Client {
  int fd = -1;
  bool upgraded = false;
  bool touched = false;
  bool gone = false;
  std::string partial;
  std::string out;
  std::vector<Topic*> topics;
};

int g_epoll = -1;
char g_buffer[256 << 10];
std::unordered_map<std::string_view, Topic*> g_topics;
std::vector<Client*> g_touched;
std::vector<Client*> g_gone;
Client* g_hub = nullptr;  // null: there is none

void Touch(Client* client) {
  if (!std::exchange(client->touched, true)) g_touched.push_back(client);
}

// Among those of all processes of a floor.
uint64_t IdOf(const Client* client) {
  static const auto process = static_cast<uint64_t>(getpid()) << 48;
  return process ^ reinterpret_cast<uintptr_t>(client);
}

void TellHub(LinkFrame::Kind kind, std::string_view bytes, const Client* sender) {
  if (!g_hub) return;
  cairn::bench::AppendLinkFrame({kind, IdOf(sender), bytes}, g_hub->out);
  Touch(g_hub);
}

// ---- topics

void Subscribe(Client* client, std::string_view name) {
  const auto known = g_topics.find(name);
  Topic* topic = known != g_topics.end() ? known->second : new Topic{std::string(name), {}};
  if (known == g_topics.end()) g_topics.emplace(topic->name, topic);
  if (std::find(client->topics.begin(), client->topics.end(), topic) != client->topics.end())
    return;
  client->topics.push_back(topic);
  topic->clients.push_back(client);
  TellHub(LinkFrame::kSubscribe, name, client);
}

void Leave(Client* client, Topic* topic) {
  TellHub(LinkFrame::kUnsubscribe, topic->name, client);
  topic->clients.erase(std::find(topic->clients.begin(), topic->clients.end(), client));
  if (!topic->clients.empty()) return;
  g_topics.erase(topic->name);
  delete topic;
}

void Unsubscribe(Client* client, std::string_view name) {
  const auto known = g_topics.find(name);
  if (known == g_topics.end()) return;
  const auto it = std::find(client->topics.begin(), client->topics.end(), known->second);
  if (it == client->topics.end()) return;
  client->topics.erase(it);
  Leave(client, known->second);
}

// ---- messages

void Deliver(uint64_t sender, std::string_view message) {
  const auto topic = g_topics.find(ReadText(message.substr(kRelayHead.size())));
  if (topic == g_topics.end()) return;
  for (Client* other : topic->second->clients) {
    if (IdOf(other) == sender) continue;
    AppendHeader(2, message.size(), other->out);
    other->out.append(message);
    Touch(other);
  }
}

void OnMessage(Client* client, std::string_view message) {
  constexpr std::string_view kSubscribe = "\xa1\x69Subscribe\xa1\x65topic";
  constexpr std::string_view kUnsubscribe = "\xa1\x6bUnsubscribe\xa1\x65topic";
  if (message.starts_with(kSubscribe))
    return Subscribe(client, ReadText(message.substr(kSubscribe.size())));
  if (message.starts_with(kUnsubscribe))
    return Unsubscribe(client, ReadText(message.substr(kUnsubscribe.size())));
  if (!message.starts_with(kRelayHead)) return;
  if (g_hub) return TellHub(LinkFrame::kRelay, message, client);
  Deliver(IdOf(client), message);
}

void OnFrame(Client* client, uint8_t opcode, std::string_view payload) {
  if (opcode == 2) return OnMessage(client, payload);
  if (opcode != 8 && opcode != 9) return;
  AppendHeader(opcode == 9 ? 10 : 8, payload.size(), client->out);
  client->out.append(payload);
  Touch(client);
}

// Handles whole frames; returns how many bytes they were.
size_t TakeFrames(Client* client, char* data, size_t size) {
  size_t at = 0;
  for (;;) {
    const auto byte = [data, at](size_t i) { return static_cast<uint8_t>(data[at + i]); };
    if (size - at < 2) return at;
    size_t length = byte(1) & 0x7f;
    const size_t head = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (size - at < head + 4) return at;
    if (head > 2) {
      length = 0;
      for (size_t i = 2; i < head; ++i) length = length << 8 | byte(i);
    }
    if (size - at - head - 4 < length) return at;
    char* payload = data + at + head + 4;
    Unmask(payload, length, payload - 4);
    OnFrame(client, byte(0) & 15, {payload, length});
    at += head + 4 + length;
  }
}

// ---- connections

// The bytes of the request, 0 while it is incomplete.
size_t TakeUpgrade(Client* client, std::string_view in) {
  constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
  const size_t end = in.find("\r\n\r\n");
  const size_t key = in.find(kKey);
  if (end == in.npos || key == in.npos) return 0;
  const std::string_view value = in.substr(key + kKey.size(), 24);
  const std::string text = std::string(value) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char accept[32];
  EVP_EncodeBlock(accept, digest, sizeof digest);
  client->out =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
      "websocket\r\nSec-WebSocket-Accept: ";
  client->out += reinterpret_cast<const char*>(accept);
  client->out += "\r\n\r\n";
  client->upgraded = true;
  Touch(client);
  return end + 4;
}

void Drop(Client* client) {
  if (std::exchange(client->gone, true)) return;
  for (Topic* topic : client->topics) Leave(client, topic);
  close(client->fd);
  g_gone.push_back(client);
}

void OnReadable(Client* client) {
  const ssize_t n = recv(client->fd, g_buffer, sizeof g_buffer, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return Drop(client);
  char* data = g_buffer;
  size_t size = static_cast<size_t>(n);
  std::string joined;
  if (!client->partial.empty()) {
    joined = std::move(client->partial);
    joined.append(data, size);
    data = joined.data();
    size = joined.size();
  }
  size_t taken = 0;
  if (client == g_hub) {
    taken = cairn::bench::TakeLinkFrames(
        {data, size}, [](const LinkFrame& frame) { Deliver(frame.sender, frame.bytes); });
  } else {
    if (!client->upgraded) taken = TakeUpgrade(client, {data, size});
    if (client->upgraded) taken += TakeFrames(client, data + taken, size - taken);
  }
  client->partial.assign(data + taken, size - taken);
}

void Flush(Client* client) {
  client->touched = false;
  if (client->gone) return;
  const ssize_t n = send(client->fd, client->out.data(), client->out.size(), MSG_NOSIGNAL);
  if (n > 0) client->out.erase(0, static_cast<size_t>(n));
  epoll_event event = {};
  event.data.ptr = client;
  event.events = EPOLLIN | EPOLLOUT;
  if (!client->out.empty()) epoll_ctl(g_epoll, EPOLL_CTL_MOD, client->fd, &event);
}

void OnWritable(Client* client) {
  epoll_event event = {};
  event.data.ptr = client;
  event.events = EPOLLIN;
  epoll_ctl(g_epoll, EPOLL_CTL_MOD, client->fd, &event);
  Touch(client);
}

void AcceptAll(int listener) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = new Client{fd, false, false, false, {}, {}, {}};
    epoll_ctl(g_epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

void Turn(int listener) {
  epoll_event events[512];
  const int ready = epoll_wait(g_epoll, events, 512, -1);
  for (int i = 0; i < ready; ++i) {
    auto* client = static_cast<Client*>(events[i].data.ptr);
    if (!client) {
      AcceptAll(listener);
      continue;
    }
    if (!client->gone && (events[i].events & EPOLLOUT)) OnWritable(client);
    if (!client->gone && (events[i].events & ~uint32_t{EPOLLOUT})) OnReadable(client);
  }
  for (size_t i = 0; i < g_touched.size(); ++i) Flush(g_touched[i]);
  g_touched.clear();
  for (Client* client : g_gone) delete client;
  g_gone.clear();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const int listener = argc > 1 ? cairn::bench::ListenOn(std::atoi(argv[1])) : -1;
  if (listener < 0) return 1;
  g_epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  epoll_ctl(g_epoll, EPOLL_CTL_ADD, listener, &event);
  if (argc > 2) {
    g_hub = new Client{cairn::bench::ConnectTo(std::atoi(argv[2])), true, false, false, {}, {}, {}};
    event.data.ptr = g_hub;
    if (epoll_ctl(g_epoll, EPOLL_CTL_ADD, g_hub->fd, &event) != 0) return 1;
  }
  for (;;) Turn(listener);
}
