// floor_hub: connects floor_relays, for a floor of three processes: floor_hub PORT.
//
// One thread, one epoll set, one read and one write per ready socket and turn. Passes each relay to
// those floor_relays that have somebody for it. As floor_relay, it has nothing else.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/bench/floor_frames.h"
#include "tests/bench/floor_link.h"

namespace {

using cairn::bench::AppendLinkFrame;
using cairn::bench::kRelayHead;
using cairn::bench::LinkFrame;
using cairn::bench::ReadText;

struct Lane {
  int fd = -1;
  bool touched = false;
  std::string partial;
  std::string out;
};

int g_epoll = -1;
char g_buffer[256 << 10];
using Interest = std::vector<std::pair<Lane*, int>>;  // and how many of its clients
std::unordered_map<std::string, Interest> g_topics;
std::vector<Lane*> g_touched;

void OnRelay(const Lane* origin, const LinkFrame& frame) {
  static std::string topic;  // keeps its memory
  topic.assign(ReadText(frame.bytes.substr(kRelayHead.size())));
  const auto known = g_topics.find(topic);
  if (known == g_topics.end()) return;
  for (const auto& [lane, subscribers] : known->second) {
    // The sender itself is one subscriber of its own lane.
    if (subscribers == (lane == origin ? 1 : 0)) continue;
    AppendLinkFrame(frame, lane->out);
    if (!std::exchange(lane->touched, true)) g_touched.push_back(lane);
  }
}

void OnFrame(Lane* lane, const LinkFrame& frame) {
  if (frame.kind == LinkFrame::kRelay) return OnRelay(lane, frame);
  Interest& interest = g_topics[std::string(frame.bytes)];
  auto found = std::find_if(interest.begin(), interest.end(),
                            [lane](const auto& one) { return one.first == lane; });
  if (found == interest.end()) found = interest.insert(interest.end(), {lane, 0});
  found->second += frame.kind == LinkFrame::kSubscribe ? 1 : -1;
}

void OnReadable(Lane* lane) {
  const ssize_t n = recv(lane->fd, g_buffer, sizeof g_buffer, 0);
  if (n <= 0) {
    if (n == 0) std::exit(0);  // the bench is over
    return;
  }
  std::string_view in(g_buffer, static_cast<size_t>(n));
  if (!lane->partial.empty()) in = lane->partial.append(in);
  const size_t taken =
      cairn::bench::TakeLinkFrames(in, [lane](const LinkFrame& frame) { OnFrame(lane, frame); });
  lane->partial = std::string(in.substr(taken));
}

void Flush(Lane* lane) {
  lane->touched = false;
  const ssize_t n = send(lane->fd, lane->out.data(), lane->out.size(), MSG_NOSIGNAL);
  if (n > 0) lane->out.erase(0, static_cast<size_t>(n));
  epoll_event event = {};
  event.data.ptr = lane;
  event.events = EPOLLIN | EPOLLOUT;
  if (!lane->out.empty()) epoll_ctl(g_epoll, EPOLL_CTL_MOD, lane->fd, &event);
}

void OnWritable(Lane* lane) {
  epoll_event event = {};
  event.data.ptr = lane;
  event.events = EPOLLIN;
  epoll_ctl(g_epoll, EPOLL_CTL_MOD, lane->fd, &event);
  if (!std::exchange(lane->touched, true)) g_touched.push_back(lane);
}

void Watch(int fd, Lane* lane) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = lane;
  epoll_ctl(g_epoll, EPOLL_CTL_ADD, fd, &event);
}

void Turn(int listener) {
  epoll_event events[64];
  const int ready = epoll_wait(g_epoll, events, 64, -1);
  for (int i = 0; i < ready; ++i) {
    auto* lane = static_cast<Lane*>(events[i].data.ptr);
    if (!lane) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (fd >= 0) Watch(fd, new Lane{fd, false, {}, {}});
      continue;
    }
    if (events[i].events & EPOLLOUT) OnWritable(lane);
    if (events[i].events & ~uint32_t{EPOLLOUT}) OnReadable(lane);
  }
  for (Lane* lane : g_touched) Flush(lane);
  g_touched.clear();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc < 2) return 2;
  const int listener = cairn::bench::ListenOn(std::atoi(argv[1]));
  if (listener < 0) return 1;
  g_epoll = epoll_create1(0);
  Watch(listener, nullptr);
  for (;;) Turn(listener);
}
