#include "proto/wire/cbor_cursor.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::wire {
namespace {

using namespace std::string_view_literals;

struct Pulled {
  CborStatus status = CborStatus::kOk;
  CborHead head;
  size_t taken = 0;
};

// Pulls the first head of `input` from a heap block that ends with it, so that ASan sees more
// reads. The content's bytes are gone on return.
Pulled PullFirst(std::string_view input) {
  const std::vector<char> copy(input.begin(), input.end());
  CborCursor cursor({copy.data(), copy.size()});
  Pulled pulled;
  pulled.status = cursor.Next(pulled.head);
  pulled.taken = input.size() - cursor.rest().size();
  return pulled;
}

std::string WithFirst(int byte, size_t zeros) {
  return static_cast<char>(byte) + std::string(zeros, '\0');
}

// What RFC 8949 section 3 makes of an initial byte; none if no item starts like this.
std::optional<CborType> TypeOf(int byte) {
  constexpr CborType kByMajor[] = {CborType::kUnsigned, CborType::kNegative, CborType::kBytes,
                                   CborType::kText,     CborType::kArray,    CborType::kMap,
                                   CborType::kTag,      CborType::kSimple};
  const int major = byte >> 5;
  const int info = byte & 0x1f;
  if (info >= 28 && info <= 30) return std::nullopt;
  if (info == 31 && (major < 2 || major > 5)) return std::nullopt;
  if (major == 7 && info >= 25) return CborType::kFloat;
  return kByMajor[major];
}

size_t HeadSize(int byte) {
  const int info = byte & 0x1f;
  return info < 24 || info == 31 ? 1 : 1 + (size_t{1} << (info - 24));
}

TEST(CborCursorTest, EveryInitialByteIsReadAsTheStandardRequires) {
  for (int byte = 0; byte < 256; ++byte) {
    SCOPED_TRACE(byte);
    if (byte == 0xf8) continue;  // below
    const Pulled pulled = PullFirst(WithFirst(byte, 40));
    const std::optional<CborType> type = TypeOf(byte);
    ASSERT_EQ(pulled.status, type ? CborStatus::kOk : CborStatus::kMalformed);
    if (!type) {
      EXPECT_EQ(pulled.taken, 0u);
      continue;
    }
    EXPECT_EQ(pulled.head.type, *type);
    EXPECT_EQ(pulled.head.indefinite, (byte & 0x1f) == 31);
    const bool is_string = *type == CborType::kBytes || *type == CborType::kText;
    const uint64_t in_byte = (byte & 0x1f) < 24 ? static_cast<uint64_t>(byte & 0x1f) : 0;
    EXPECT_EQ(pulled.head.content.size(), is_string ? in_byte : 0);
    EXPECT_EQ(pulled.head.value, is_string ? 0 : in_byte);
    EXPECT_EQ(pulled.taken, HeadSize(byte) + pulled.head.content.size());
  }
}

TEST(CborCursorTest, AHeadCutShortIsTruncatedAndTakesNothing) {
  for (int byte = 0; byte < 256; ++byte) {
    if (!TypeOf(byte)) continue;
    for (size_t size = 1; size < HeadSize(byte); ++size) {
      const Pulled pulled = PullFirst(WithFirst(byte, size - 1));
      EXPECT_EQ(pulled.status, CborStatus::kTruncated) << byte << " " << size;
      EXPECT_EQ(pulled.taken, 0u);
    }
  }
  EXPECT_EQ(PullFirst("").status, CborStatus::kTruncated);
}

TEST(CborCursorTest, ArgumentsOfEverySizeAreTakenAsTheyAre) {
  EXPECT_EQ(PullFirst("\x18\xfe").head.value, 0xfeu);
  EXPECT_EQ(PullFirst("\x39\xfe\xdc").head.value, 0xfedcu);
  EXPECT_EQ(PullFirst("\x9a\xfe\xdc\xba\x98").head.value, 0xfedcba98u);
  EXPECT_EQ(PullFirst("\xdb\xfe\xdc\xba\x98\x76\x54\x32\x10").head.value, 0xfedcba9876543210u);
  EXPECT_EQ(PullFirst("\xbb\x00\x00\x00\x00\x00\x00\x00\x01"sv).head.value, 1u);
}

TEST(CborCursorTest, TagsAndSimpleValuesThatLibcborRefusesAreRead) {
  for (int number = 6; number <= 20; ++number) {
    const Pulled pulled = PullFirst(WithFirst(0xc0 + number, 0));
    EXPECT_EQ(pulled.status, CborStatus::kOk) << number;
    EXPECT_EQ(pulled.head.type, CborType::kTag);
    EXPECT_EQ(pulled.head.value, static_cast<uint64_t>(number));
  }
  for (int number = 0; number <= 23; ++number) {
    const Pulled pulled = PullFirst(WithFirst(0xe0 + number, 0));
    EXPECT_EQ(pulled.status, CborStatus::kOk) << number;
    EXPECT_EQ(pulled.head.type, CborType::kSimple);
    EXPECT_EQ(pulled.head.value, static_cast<uint64_t>(number));
  }
}

TEST(CborCursorTest, ATwoByteSimpleValueIsReadFrom32UpAndWhereItHasAName) {
  for (int number = 0; number <= 255; ++number) {
    const Pulled pulled = PullFirst(std::string("\xf8") + static_cast<char>(number) + "rest");
    const bool ok = number >= 32 || (number >= 20 && number <= 23);
    ASSERT_EQ(pulled.status, ok ? CborStatus::kOk : CborStatus::kMalformed) << number;
    EXPECT_EQ(pulled.taken, ok ? 2u : 0u);
    if (ok) {
      EXPECT_EQ(pulled.head.type, CborType::kSimple);
      EXPECT_EQ(pulled.head.value, static_cast<uint64_t>(number));
    }
  }
  EXPECT_EQ(PullFirst("\xf8").status, CborStatus::kTruncated);
}

TEST(CborCursorTest, ADefiniteStringComesWithItsContentAsAView) {
  const std::string_view input = "\x63one\x42\x01\x02\x78\x02ok"sv;
  CborCursor cursor(input);
  CborHead head;
  ASSERT_EQ(cursor.Next(head), CborStatus::kOk);
  EXPECT_EQ(head.type, CborType::kText);
  EXPECT_EQ(head.content, "one");
  EXPECT_EQ(head.content.data(), input.data() + 1);
  ASSERT_EQ(cursor.Next(head), CborStatus::kOk);
  EXPECT_EQ(head.type, CborType::kBytes);
  EXPECT_EQ(head.content, "\x01\x02");
  ASSERT_EQ(cursor.Next(head), CborStatus::kOk);
  EXPECT_EQ(head.content, "ok");
  EXPECT_TRUE(cursor.rest().empty());
}

TEST(CborCursorTest, AStringLongerThanTheInputIsTruncated) {
  for (const std::string_view input :
       {"\x42\x01"sv, "\x58\x02\x01"sv, "\x79\x00\x02\x01"sv, "\x5a\xff\xff\xff\xff\x01"sv,
        "\x7b\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv, "\x5b\xff\xff\xff\xff\xff\xff\xff\xf7\x01"sv,
        "\x5b\x80\x00\x00\x00\x00\x00\x00\x00\x01"sv}) {
    const Pulled pulled = PullFirst(input);
    EXPECT_EQ(pulled.status, CborStatus::kTruncated);
    EXPECT_EQ(pulled.taken, 0u);
  }
}

TEST(CborCursorTest, ABreakIsTakenOnlyWhereOneStands) {
  CborCursor cursor("\xff\x01\xff"sv);
  CborHead head;
  EXPECT_EQ(cursor.Next(head), CborStatus::kMalformed);
  EXPECT_TRUE(cursor.TakeBreak());
  EXPECT_FALSE(cursor.TakeBreak());
  EXPECT_EQ(cursor.Next(head), CborStatus::kOk);
  EXPECT_TRUE(cursor.TakeBreak());
  EXPECT_FALSE(cursor.TakeBreak());
  EXPECT_EQ(cursor.Next(head), CborStatus::kTruncated);
}

TEST(CborCursorTest, ACopyLooksAheadWithoutMovingTheOriginal) {
  CborCursor cursor("\x01\x02"sv);
  CborCursor ahead = cursor;
  CborHead head;
  ASSERT_EQ(ahead.Next(head), CborStatus::kOk);
  ASSERT_EQ(cursor.Next(head), CborStatus::kOk);
  EXPECT_EQ(head.value, 1u);
  ASSERT_EQ(ahead.Next(head), CborStatus::kOk);
  EXPECT_EQ(head.value, 2u);
}

TEST(CborCursorTest, NothingOfTheHeadBeforeIsLeft) {
  CborCursor cursor("\x63one\x9f\x05"sv);
  CborHead head;
  ASSERT_EQ(cursor.Next(head), CborStatus::kOk);
  ASSERT_EQ(cursor.Next(head), CborStatus::kOk);
  EXPECT_TRUE(head.indefinite);
  EXPECT_TRUE(head.content.empty());
  ASSERT_EQ(cursor.Next(head), CborStatus::kOk);
  EXPECT_FALSE(head.indefinite);
  EXPECT_EQ(head.value, 5u);
}

}  // namespace
}  // namespace cairn::wire
