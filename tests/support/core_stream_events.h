// CoreStreamEvents: the calls of a core stream to its listener; and a listening socket for its
// core.
#ifndef CAIRN_TESTS_SUPPORT_CORE_STREAM_EVENTS_H_
#define CAIRN_TESTS_SUPPORT_CORE_STREAM_EVENTS_H_

#include <absl/status/status.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "edge/core_stream.h"

namespace cairn::edge {

class CoreStreamEvents final : public CoreStreamListener {
 public:
  void OnStreamMessage(signaling::v1::CoreToLane& message) override {
    numbers.push_back(message.number());
  }
  void OnStreamWritable() override { ++writable; }
  void OnStreamEnded(int code, const std::string& text) override {
    ended = static_cast<absl::StatusCode>(code);
    reason = text;
    if (stream) stream->reset();
  }

  std::vector<uint64_t> numbers;
  int writable = 0;
  std::optional<absl::StatusCode> ended;
  std::string reason;
  std::unique_ptr<CoreStream>* stream = nullptr;  // destroyed when it has ended
};

// An invalid descriptor on failure.
inline UniqueFd ListenOnUnixSocket(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  if (listen(fd.get(), 8) != 0) return {};
  return fd;
}

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_CORE_STREAM_EVENTS_H_
