// Masked WebSocket frames, field by field, and the events that WsDecoder returns for them.
#ifndef CAIRN_TESTS_SUPPORT_DECODED_FRAMES_H_
#define CAIRN_TESTS_SUPPORT_DECODED_FRAMES_H_

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/ws_decoder.h"
#include "tests/support/ws_first_byte.h"

namespace cairn::wire {

inline constexpr size_t kLimit = 100'000;

// An event that outlives its bytes.
struct Seen {
  WsDecoder::EventType type = WsDecoder::EventType::kNeedMore;
  std::string data;
  WsFault fault = WsFault::kNone;
  uint16_t close_code = 0;
  bool operator==(const Seen&) const = default;
};

inline void PrintTo(const Seen& seen, std::ostream* out) {
  *out << "{type " << static_cast<int>(seen.type) << ", fault " << static_cast<int>(seen.fault)
       << ", code " << seen.close_code << ", " << seen.data.size()
       << " bytes: " << testing::PrintToString(seen.data.substr(0, 40)) << "}";
}

inline Seen Text(std::string data) { return {WsDecoder::EventType::kText, std::move(data)}; }
inline Seen Binary(std::string data) { return {WsDecoder::EventType::kBinary, std::move(data)}; }
inline Seen Pong(std::string data) { return {WsDecoder::EventType::kPong, std::move(data)}; }
inline Seen Ping(std::string data) { return {WsDecoder::EventType::kPing, std::move(data)}; }
inline Seen Close(uint16_t code, std::string reason = "") {
  return {WsDecoder::EventType::kClose, std::move(reason), WsFault::kNone, code};
}
inline Seen Error(WsFault fault) { return {WsDecoder::EventType::kError, "", fault}; }

inline std::string BigEndian(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = bytes; i > 0; --i) out.push_back(static_cast<char>(value >> (8 * (i - 1))));
  return out;
}

// A masked header. `length_bytes`: 1, 3 or 9, and 0 for the shortest that `length` fits.
inline std::string Header(unsigned first_byte, uint64_t length, size_t length_bytes = 0,
                          const std::string& key = "\x37\xfa\x21\x3d") {
  if (length_bytes == 0) length_bytes = length < 126 ? 1 : length < 65536 ? 3 : 9;
  std::string out(1, static_cast<char>(first_byte));
  if (length_bytes == 1) return out + static_cast<char>(0x80 | length) + key;
  return out + static_cast<char>(length_bytes == 3 ? 0xFE : 0xFF) +
         BigEndian(length, length_bytes - 1) + key;
}

inline std::string Frame(unsigned first_byte, std::string payload, size_t length_bytes = 0,
                         const std::string& key = "\x37\xfa\x21\x3d") {
  const std::string header = Header(first_byte, payload.size(), length_bytes, key);
  for (size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
  return header + payload;
}

inline std::string CloseFrame(uint16_t code, const std::string& reason = "") {
  return Frame(kFin | kClose, BigEndian(code, 2) + reason);
}

// A message of every kind, in every form, with control frames at every place where they may be.
inline std::string SampleStream() {
  return Frame(kFin | kText, "gr\xC3\xBC\xC3\x9F") + Frame(kFin | kPing, "") +
         Frame(kBinary, "ab") + Frame(kFin | kPing, std::string(125, 'p')) +
         Frame(kContinuation, "") + Frame(kContinuation, "cde") + Frame(kFin | kPong, "late") +
         Frame(kFin, "") + Frame(kFin | kText, "") + Frame(kText, "") +
         Frame(kFin, "\xE2\x82\xAC", 3) + Frame(kFin | kBinary, std::string(126, 'x')) +
         Frame(kFin | kBinary, "tiny", 9) + CloseFrame(1000, "bye");
}

// A decoder that gets a copy of each piece, so that ASan finds a view that is used after its piece.
class Feed {
 public:
  explicit Feed(size_t limit = kLimit) : decoder_(limit) {}

  void Take(std::string_view piece) {
    piece_ = std::make_unique<char[]>(piece.size());
    std::memcpy(piece_.get(), piece.data(), piece.size());
    std::span<char> in(piece_.get(), piece.size());
    while (!failed_) {
      const WsDecoder::Event event = decoder_.Next(in);
      if (event.type == WsDecoder::EventType::kNeedMore) {
        EXPECT_TRUE(in.empty());
        return;
      }
      seen_.push_back({event.type, std::string(event.data), event.fault, event.close_code});
      failed_ = event.type == WsDecoder::EventType::kError;
    }
  }
  const std::vector<Seen>& seen() const { return seen_; }

 private:
  WsDecoder decoder_;
  std::unique_ptr<char[]> piece_;
  std::vector<Seen> seen_;
  bool failed_ = false;
};

inline std::vector<Seen> Decode(std::string_view stream, size_t limit = kLimit) {
  Feed feed(limit);
  feed.Take(stream);
  return feed.seen();
}

inline std::vector<Seen> DecodeInPieces(std::string_view stream, size_t piece_bytes,
                                        size_t limit = kLimit) {
  Feed feed(limit);
  for (size_t at = 0; at < stream.size(); at += piece_bytes)
    feed.Take(stream.substr(at, piece_bytes));
  return feed.seen();
}

}  // namespace cairn::wire

#endif  // CAIRN_TESTS_SUPPORT_DECODED_FRAMES_H_
