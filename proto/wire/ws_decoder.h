// WsDecoder: the receiving half of RFC 6455 for a server, after the upgrade. Bytes in, events out.
//
// Owner:  one connection.
// Thread: the connection's loop.
// Bounds: max_message_bytes for a message, fragments together, checked when a header has declared
//         its length and before any of that is kept; 125 bytes for a control frame (RFC 6455 5.5).
//         What is kept grows with the bytes that came (to at most twice as many, as std::string
//         grows), never with what a header declares. Between messages no heap memory is held.
// Errors: kError with one WsFault; the decoder then stays in error and consumes nothing more.
#ifndef CAIRN_PROTO_WIRE_WS_DECODER_H_
#define CAIRN_PROTO_WIRE_WS_DECODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cairn::wire {

// Why a byte stream is not one a client may send. Each maps to one close code (RFC 6455 7.4.1).
enum class WsFault : uint8_t {
  kNone,
  kUnmasked,            // 1002, section 5.1
  kReservedBits,        // 1002, section 5.2
  kReservedOpcode,      // 1002, section 5.2
  kControlFragmented,   // 1002, section 5.5
  kControlTooLong,      // 1002, section 5.5
  kStrayContinuation,   // 1002, section 5.4
  kInterleavedMessage,  // 1002, section 5.4
  kBadClosePayload,     // 1002, sections 5.5.1 and 7.4: one byte, or a code that must not be sent
  kLengthOverflow,      // 1002, section 5.2: most significant bit of a 64-bit length is set
  kBadUtf8,             // 1007, sections 5.6 and 8.1: text message or close reason
  kMessageTooBig,       // 1009
};

class WsDecoder {
 public:
  enum class EventType : uint8_t { kNeedMore, kText, kBinary, kPing, kPong, kClose, kError };
  struct Event {
    EventType type = EventType::kNeedMore;
    // kError only.
    WsFault fault = WsFault::kNone;
    // kClose: 0 when the frame had no code.
    uint16_t close_code = 0;
    // The unmasked message, ping or pong payload, or close reason. Valid until the next Next() and
    // while the bytes given to the Next() that returned it are.
    std::string_view data;
  };

  // REQUIRES: max_message_bytes > 0. A message of exactly that size is accepted.
  explicit WsDecoder(size_t max_message_bytes);

  // Takes bytes from the front of `in` (advancing it) until an event is complete, and unmasks them
  // in place. A message that lies whole in `in` and came in one frame is returned as a view into
  // it, without a copy. Events come in the order in which their last bytes do, whatever the cuts
  // between calls: a control frame between two fragments precedes the message. Text fails at
  // the first byte that no text could have there, as soon as that has come.
  //
  // kNeedMore means that `in` is used up: call again with the bytes that follow. A caller that
  // loops until it gets kNeedMore leaves nothing on the heap but what is in progress.
  //
  // After kClose, every call empties `in` unread and returns kNeedMore: what follows a Close is not
  // read (5.5.1). After kError, every call returns that kError again and leaves `in` alone: a loop
  // must end on it.
  //
  // Non-minimal frame lengths are accepted, as the reference does. Accepted close codes: 1000 to
  // 1003, 1007 to 1014 and 3000 to 4999 (7.4; 1012 to 1014 by the IANA registry).
  Event Next(std::span<char>& in);
  // The heap memory of what has come of a frame or message that is not whole.
  size_t held_bytes() const {
    const auto heap = [](const std::string& text) {
      return text.capacity() == std::string().capacity() ? 0 : text.capacity();
    };
    return heap(message_) + heap(held_);
  }

 private:
  enum class Phase : uint8_t {
    kHeader,     // before a frame, or inside its header
    kDelivered,  // as kHeader, with the last event's data in held_ or message_, to be released
    kPayload,    // inside a frame's payload
    kClosed,     // a Close came
    kFailed,     // fault_ says why
  };
  struct FrameHeader;

  bool TakeUsual(std::span<char>& in, std::string_view& message) const;
  WsFault CheckFirstByte(uint8_t first) const;
  FrameHeader ParseHeader(std::span<const char> bytes) const;
  WsFault TakeHeader(std::span<char>& in);
  // Whether text in progress, of which the last `added` bytes of message_ are new, can still be
  // UTF-8.
  bool TextStaysValid(size_t added);
  std::string_view TakePayload(std::span<char>& in);
  Event Deliver(std::string_view payload);
  Event DeliverClose(std::string_view payload);
  Event Fail(WsFault fault);
  void ReleaseDelivered();

  // Immutable after construction.
  size_t max_message_bytes_;

  // <loop> thread only.
  std::string message_;  // what came of a message that did not lie whole in one `in`
  std::string held_;     // the same for a header or a control payload; headers need no heap
  uint64_t frame_bytes_left_ = 0;   // kPayload: still to come of the frame
  std::array<char, 4> mask_key_{};  // kPayload: turned, so that [0] is for the byte that comes next
  uint8_t first_byte_ = 0;          // of the frame's header: FIN bit and opcode
  uint8_t message_opcode_ : 4 = 0;  // of the message in progress; 0 between messages
  uint8_t unfinished_ : 4 = 0;      // bytes at the end of a text in progress that begin a character
  Phase phase_ = Phase::kHeader;
  WsFault fault_ = WsFault::kNone;
};

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_WS_DECODER_H_
