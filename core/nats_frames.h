// NatsFrames: what a NATS server sends, cut into frames. Bytes are received into its memory, and
// frames are views of that.
//
// Owner:  who connects (DialNats()), then NatsLine.
// Thread: one at a time.
// Bounds: a line of kMaxLineBytes, an INFO of kMaxInfoBytes, a message of `max_message_bytes`: no
//         memory is taken for a longer one. Keeps only the frame that is incomplete.
// Errors: broken(): the server sent what is no frame, or a longer one.
// Source: docs.nats.io, reference-protocols/nats-protocol; ADR-4 (headers, and the status 503 in
//         place of a message that had nobody to go to).
#ifndef CAIRN_CORE_NATS_FRAMES_H_
#define CAIRN_CORE_NATS_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace cairn::core {

class NatsFrames {
 public:
  static constexpr size_t kReadBytes = 64 << 10;
  static constexpr size_t kMaxLineBytes = 4 << 10;
  static constexpr size_t kMaxInfoBytes = 32 << 10;  // names all servers of a cluster

  struct Frame {
    enum class Kind : uint8_t { kMessage, kNobody, kPing, kPong, kInfo, kError };
    Kind kind;
    std::string_view subject;  // of kMessage and kNobody
    std::string_view text;     // a message's payload, an INFO's JSON, an error's reason
  };

  explicit NatsFrames(size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  // Where to receive; at least half of kReadBytes. Ends all frames that Next() has returned.
  std::span<char> Room();
  // So many bytes have been received there.
  void OnReceived(size_t bytes) { end_ += bytes; }
  // Nothing: the rest of a frame is missing, or broken().
  std::optional<Frame> Next();
  bool broken() const { return broken_; }

 private:
  std::optional<Frame> Message(std::string_view arguments, bool has_headers, size_t line_bytes);
  std::optional<Frame> Break();

  const size_t max_message_bytes_;
  std::unique_ptr<char[]> memory_;
  size_t size_ = 0;
  // The bytes that are not consumed.
  size_t begin_ = 0, end_ = 0;
  size_t needed_ = 0;  // of them, before the first frame is whole; 0: not known
  bool broken_ = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_FRAMES_H_
