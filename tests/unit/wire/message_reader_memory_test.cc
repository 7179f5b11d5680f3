// The memory that MessageReader allocates.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "proto/wire/message_reader.h"
#include "tests/support/read_messages.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAIRN_TSAN_HAS_OPERATOR_NEW  // and does not let a program replace it
#endif
#endif

namespace {

// What this thread has allocated since Start(); every `new` of the test binary is counted.
struct HeapUse {
  size_t allocations = 0;
  size_t largest = 0;
  // Of everything alive, also from before Start().
  size_t live_bytes = 0;

  void Start() { allocations = largest = 0; }
};
constinit thread_local HeapUse heap_use;

}  // namespace

#ifdef CAIRN_TSAN_HAS_OPERATOR_NEW
#define CAIRN_NEEDS_HEAP_USE() GTEST_SKIP() << "allocations are not counted under TSan"
#else
#define CAIRN_NEEDS_HEAP_USE() static_cast<void>(0)

void* operator new(size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr) std::abort();
  ++heap_use.allocations;
  heap_use.largest = std::max(heap_use.largest, size);
  heap_use.live_bytes += malloc_usable_size(block);
  return block;
}

void operator delete(void* block) noexcept {
  if (block != nullptr) heap_use.live_bytes -= malloc_usable_size(block);
  std::free(block);
}

void operator delete(void* block, size_t) noexcept { operator delete(block); }

#endif

namespace cairn::wire {
namespace {

using namespace std::string_view_literals;

TEST(MessageReaderMemory, CanonicalFramesDoNotAllocate) {
  CAIRN_NEEDS_HEAP_USE();
  MessageReader reader;
  for (const std::string& frame : CanonicalFrames()) {
    heap_use.Start();
    const DecodeResult result = reader.Read(frame);
    const size_t allocations = heap_use.allocations;
    EXPECT_EQ(result.fault, DecodeFault::kNone);
    EXPECT_EQ(allocations, 0u);
  }
}

TEST(MessageReaderMemory, DeclaredLengthsDoNotAllocate) {
  CAIRN_NEEDS_HEAP_USE();
  const std::string_view kHuge = "\xff\xff\xff\xff\xff\xff\xff\xff"sv;
  MessageReader reader;
  for (const std::string_view major : {"\x5b", "\x7b", "\x9b", "\xbb"}) {
    const std::string declared = std::string(major).append(kHuge);
    for (const std::string& input :
         {declared, WithPayload(declared), WithPayload("\x5f" + declared),
          WithUnknownField(declared), WithUnknownField("\x7f" + declared),
          WithUnknownField("\xc2" + declared), "\xa1\x65Relay" + declared,
          "\xa1\x65Relay" + declared + "\x65topic", WithPayload(declared + "\x01\x02"),
          "\xa1\x69Subscribe\xa1\x65topic" + declared, "\xa1" + declared}) {
      heap_use.Start();
      const DecodeResult result = reader.Read(input);
      const size_t allocations = heap_use.allocations;
      EXPECT_NE(result.fault, DecodeFault::kNone);
      EXPECT_EQ(allocations, 0u);
    }
  }
}

TEST(MessageReaderMemory, ScratchFollowsTheInputAndIsGivenBackByTheNextRead) {
  CAIRN_NEEDS_HEAP_USE();
  MessageReader reader;
  const std::string large =
      WithPayload("\x9b\xff\xff\xff\xff\xff\xff\xff\xff" + Repeat(1 << 20, "\x01"));
  const std::string small = WithPayload("\x5f\x41p\xff");
  const size_t before = heap_use.live_bytes;
  heap_use.Start();
  EXPECT_EQ(reader.Read(large).fault, DecodeFault::kTruncated);
  EXPECT_LE(heap_use.largest, 2 * large.size());
  EXPECT_GE(heap_use.live_bytes, before + (1 << 20));  // or this test would see nothing
  EXPECT_EQ(reader.Read(small).message.payload, "p");
  EXPECT_EQ(heap_use.live_bytes, before);
}

}  // namespace
}  // namespace cairn::wire
