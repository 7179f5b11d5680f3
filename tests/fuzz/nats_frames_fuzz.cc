// What a NATS server sends to a core.
//
// Checks: no byte string crashes it or makes it take more than its bounds; where the input is cut
// makes no difference.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/nats_frames.h"

namespace {

using cairn::core::NatsFrames;

constexpr size_t kMaxMessage = 2'000;

// Its frames as text, and whether it is broken.
std::string Read(std::string_view bytes, size_t most) {
  NatsFrames frames(kMaxMessage);
  std::string read;
  while (!bytes.empty() && !frames.broken()) {
    const std::span<char> room = frames.Room();
    if (room.size() < NatsFrames::kReadBytes / 2 || room.size() > 2 * NatsFrames::kReadBytes)
      std::abort();
    const size_t count = std::min({most, room.size(), bytes.size()});
    std::copy_n(bytes.data(), count, room.data());
    bytes.remove_prefix(count);
    frames.OnReceived(count);
    while (const std::optional<NatsFrames::Frame> frame = frames.Next()) {
      read += std::to_string(static_cast<int>(frame->kind));
      read.append(frame->subject).append(",").append(frame->text).append(";");
    }
  }
  return read + (frames.broken() ? "broken" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (Read(input, size) != Read(input, data[0] + 1u)) std::abort();
  return 0;
}
