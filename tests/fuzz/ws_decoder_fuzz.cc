// Fuzzes WsDecoder: the same bytes, whole and in pieces, must give the same events, and the memory
// of the decoder is bounded by its input since the last message.
//
// With clang's AddressSanitizer, whose hooks count the heap; other builds check the events only.
// Input: 1 byte that chooses the cuts, 1 byte that chooses the message limit, then what a client
// sends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/utf8.h"
#include "proto/wire/ws_decoder.h"
#include "tests/fuzz/require.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAIRN_HAS_ASAN
#endif
#endif
#ifdef CAIRN_HAS_ASAN
#include <sanitizer/allocator_interface.h>
#endif

namespace {

using cairn::Require;
using cairn::wire::WsDecoder;
using cairn::wire::WsFault;
using Type = WsDecoder::EventType;

// std::string doubles a capacity of 15 to one of 30, and adds a NUL.
constexpr int64_t kSlackBytes = 1;

// What malloc has given out and not got back. Stays 0 without AddressSanitizer.
thread_local int64_t live_bytes = 0;

#ifdef CAIRN_HAS_ASAN
void CountMalloc(const volatile void*, size_t bytes) { live_bytes += static_cast<int64_t>(bytes); }

void CountFree(const volatile void* block) {
  live_bytes -=
      static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(block)));
}

bool WatchHeap() { return __sanitizer_install_malloc_and_free_hooks(CountMalloc, CountFree) != 0; }
#else
bool WatchHeap() { return true; }
#endif

struct Seen {
  Type type;
  WsFault fault;
  uint16_t close_code;
  std::string data;
  bool operator==(const Seen&) const = default;
};

// A decoder, and everything that must hold after each call of Next().
class Checked {
 public:
  explicit Checked(size_t limit) : limit_(limit), decoder_(limit) {}

  void Take(std::string_view piece) {
    // A copy of exactly the size, so that a step beyond it is found.
    const auto bytes = std::make_unique<char[]>(piece.size());
    std::copy(piece.begin(), piece.end(), bytes.get());
    std::span<char> in(bytes.get(), piece.size());
    while (Step(in)) {
    }
  }
  const std::vector<Seen>& seen() const { return seen_; }

 private:
  // Returns whether to go on with `in`.
  bool Step(std::span<char>& in) {
    const size_t before = in.size();
    const int64_t live_before = live_bytes;
    const WsDecoder::Event event = decoder_.Next(in);
    kept_bytes_ += live_bytes - live_before;
    unfinished_bytes_ += static_cast<int64_t>(before - in.size());
    Require(kept_bytes_ <= 2 * unfinished_bytes_ + kSlackBytes,
            "memory within twice the bytes that came");

    CheckEvent(event, in, before);
    if (event.type == Type::kText || event.type == Type::kBinary) unfinished_bytes_ = 0;
    const bool is_repeated = has_failed_ && event.type == Type::kError;
    if (event.type != Type::kNeedMore && !is_repeated) {
      seen_.push_back({event.type, event.fault, event.close_code, std::string(event.data)});
    }
    has_closed_ = has_closed_ || event.type == Type::kClose;
    has_failed_ = has_failed_ || event.type == Type::kError;
    return event.type != Type::kNeedMore && event.type != Type::kError;
  }

  void CheckEvent(const WsDecoder::Event& event, std::span<char> in, size_t before) const {
    if (has_closed_)
      Require(event.type == Type::kNeedMore && kept_bytes_ == 0, "nothing after a close");
    if (has_failed_) {
      Require(
          event.type == Type::kError && event.fault == seen_.back().fault && in.size() == before,
          "an error stays and consumes nothing");
    }
    Require((event.type == Type::kError) == (event.fault != WsFault::kNone), "errors have a fault");
    switch (event.type) {
      case Type::kNeedMore:
        return Require(in.empty(), "all of it is used up");
      case Type::kText:
        Require(cairn::wire::IsUtf8(event.data), "text is UTF-8");
        [[fallthrough]];
      case Type::kBinary:
        return Require(event.data.size() <= limit_, "messages within the limit");
      case Type::kPing:
      case Type::kPong:
        return Require(event.data.size() <= 125, "control payloads within their limit");
      case Type::kClose:
        return Require(event.data.size() <= 123 && cairn::wire::IsUtf8(event.data),
                       "a sound close reason");
      case Type::kError:
        return Require(kept_bytes_ == 0, "nothing kept after an error");
    }
  }

  const size_t limit_;
  WsDecoder decoder_;
  std::vector<Seen> seen_;
  int64_t kept_bytes_ = 0;
  int64_t unfinished_bytes_ = 0;  // taken since the last message
  bool has_closed_ = false;
  bool has_failed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_watched = WatchHeap();
  Require(is_watched, "the heap can be counted");
  if (size < 2) return 0;
  std::minstd_rand random(data[0] + 1u);
  const size_t limit = size_t{1} << data[1] % 64;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);

  Checked whole(limit);
  whole.Take(stream);

  Checked cut(limit);
  const size_t max_piece = size_t{1} << data[0] % 8;
  for (size_t at = 0; at < stream.size();) {
    const size_t bytes = random() % (max_piece + 1);  // an empty piece now and then
    cut.Take(stream.substr(at, bytes));
    at += bytes;
  }
  Require(cut.seen() == whole.seen(), "the same events however it is cut");
  return 0;
}
