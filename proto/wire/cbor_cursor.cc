#include "proto/wire/cbor_cursor.h"

#include <cbor.h>

#include <cstddef>

namespace cairn::wire {
namespace {

static_assert(sizeof(size_t) >= sizeof(uint64_t), "libcbor narrows declared lengths to size_t");

constexpr uint8_t kBreakByte = 0xff;

CborHead& Reset(void* head, CborType type) {
  auto& fresh = *static_cast<CborHead*>(head);
  fresh = CborHead();
  fresh.type = type;
  return fresh;
}

// What libcbor calls with a head that it has read; `head` is the CborHead to fill.

template <CborType kType, typename Number>
void OnNumber(void* head, Number value) {
  Reset(head, kType).value = value;
}

template <CborType kType>
void OnString(void* head, cbor_data data, size_t size) {
  Reset(head, kType).content = {reinterpret_cast<const char*>(data), size};
}

template <CborType kType>
void OnIndefinite(void* head) {
  Reset(head, kType).indefinite = true;
}

template <uint8_t kValue>
void OnSimple(void* head) {
  OnNumber<CborType::kSimple>(head, kValue);
}

void OnBoolean(void* head, bool value) {
  OnNumber<CborType::kSimple>(head, static_cast<uint8_t>(value ? 21 : 20));
}

template <typename Float>
void OnFloat(void* head, Float) {
  Reset(head, CborType::kFloat);
}

constexpr cbor_callbacks kCallbacks = {
    .uint8 = OnNumber<CborType::kUnsigned, uint8_t>,
    .uint16 = OnNumber<CborType::kUnsigned, uint16_t>,
    .uint32 = OnNumber<CborType::kUnsigned, uint32_t>,
    .uint64 = OnNumber<CborType::kUnsigned, uint64_t>,
    .negint64 = OnNumber<CborType::kNegative, uint64_t>,
    .negint32 = OnNumber<CborType::kNegative, uint32_t>,
    .negint16 = OnNumber<CborType::kNegative, uint16_t>,
    .negint8 = OnNumber<CborType::kNegative, uint8_t>,
    .byte_string_start = OnIndefinite<CborType::kBytes>,
    .byte_string = OnString<CborType::kBytes>,
    .string = OnString<CborType::kText>,
    .string_start = OnIndefinite<CborType::kText>,
    .indef_array_start = OnIndefinite<CborType::kArray>,
    .array_start = OnNumber<CborType::kArray, size_t>,
    .indef_map_start = OnIndefinite<CborType::kMap>,
    .map_start = OnNumber<CborType::kMap, size_t>,
    .tag = OnNumber<CborType::kTag, uint64_t>,
    .float2 = OnFloat<float>,
    .float4 = OnFloat<float>,
    .float8 = OnFloat<double>,
    .undefined = OnSimple<23>,
    .null = OnSimple<22>,
    .boolean = OnBoolean,
    .indef_break = [](void*) {},  // never: Next() does not pass a break on
};

// Length of the head at the front of `input` if it is one that libcbor 0.8 refuses although RFC
// 8949 or the reference does not: tags 6 to 20 in one byte, unassigned simple values, simple values
// in two bytes. Otherwise 0.
size_t ReadUnknownToLibcbor(std::string_view input, CborHead& head) {
  const auto first = static_cast<uint8_t>(input[0]);
  if (first >= 0xc6 && first <= 0xd4) {
    OnNumber<CborType::kTag>(&head, static_cast<uint8_t>(first - 0xc0));
    return 1;
  }
  if (first >= 0xe0 && first <= 0xf3) {
    OnNumber<CborType::kSimple>(&head, static_cast<uint8_t>(first - 0xe0));
    return 1;
  }
  if (first == 0xf8 && input.size() >= 2) {
    // Below 32 is not well-formed (RFC 8949 3.3), but the reference takes the four that have a
    // name.
    const auto value = static_cast<uint8_t>(input[1]);
    if (value >= 32 || (value >= 20 && value <= 23)) {
      OnNumber<CborType::kSimple>(&head, value);
      return 2;
    }
  }
  return 0;
}

}  // namespace

CborStatus CborCursor::Next(CborHead& head) {
  if (rest_.empty()) return CborStatus::kTruncated;
  if (static_cast<uint8_t>(rest_[0]) == kBreakByte) return CborStatus::kMalformed;
  if (rest_ == "\xf8") return CborStatus::kTruncated;
  if (const size_t length = ReadUnknownToLibcbor(rest_, head); length > 0) {
    rest_.remove_prefix(length);
    return CborStatus::kOk;
  }
  const cbor_decoder_result result = cbor_stream_decode(reinterpret_cast<cbor_data>(rest_.data()),
                                                        rest_.size(), &kCallbacks, &head);
  switch (result.status) {
    case CBOR_DECODER_FINISHED:
      rest_.remove_prefix(result.read);
      return CborStatus::kOk;
    case CBOR_DECODER_NEDATA:
      return CborStatus::kTruncated;
    case CBOR_DECODER_ERROR:
      break;
  }
  return CborStatus::kMalformed;
}

bool CborCursor::TakeBreak() {
  if (rest_.empty() || static_cast<uint8_t>(rest_[0]) != kBreakByte) return false;
  rest_.remove_prefix(1);
  return true;
}

}  // namespace cairn::wire
