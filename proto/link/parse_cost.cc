#include "proto/link/parse_cost.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstdint>

namespace cairn::link {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;

// Of the wire format (protobuf.dev/programming-guides/encoding).
enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
constexpr uint32_t kWireTypeBits = 3;

constexpr size_t kMessageCost = 256;
constexpr size_t kStringCost = 64;
constexpr size_t kNumberCost = 8;
constexpr int kMaxDepth = 8;

CodedInputStream StreamOf(std::string_view bytes) {
  return CodedInputStream(reinterpret_cast<const uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
}

bool SkipNumber(CodedInputStream& in, uint32_t wire_type) {
  uint64_t number64 = 0;
  uint32_t number32 = 0;
  switch (wire_type) {
    case kVarint:
      return in.ReadVarint64(&number64);
    case kFixed64:
      return in.ReadLittleEndian64(&number64);
    case kFixed32:
      return in.ReadLittleEndian32(&number32);
    default:
      return false;  // groups, which our messages do not have
  }
}

class Meter {
 public:
  explicit Meter(size_t max_cost) : left_(max_cost) {}

  bool Read(CodedInputStream& in, const Descriptor* type, int depth) {
    if (depth > kMaxDepth) return false;
    while (const uint32_t tag = in.ReadTag()) {
      const uint32_t wire_type = tag & ((1u << kWireTypeBits) - 1);
      if (wire_type != kBytes) {
        if (!Spend(kNumberCost) || !SkipNumber(in, wire_type)) return false;
        continue;
      }
      int size = 0;
      if (!in.ReadVarintSizeAsInt(&size)) return false;
      const FieldDescriptor* field =
          type ? type->FindFieldByNumber(static_cast<int>(tag >> kWireTypeBits)) : nullptr;
      if (field && field->type() == FieldDescriptor::TYPE_MESSAGE) {
        if (!Spend(kMessageCost)) return false;
        const CodedInputStream::Limit limit = in.PushLimit(size);
        if (in.BytesUntilLimit() != size || !Read(in, field->message_type(), depth + 1))
          return false;
        in.PopLimit(limit);
      } else if (!Spend(kStringCost + static_cast<size_t>(size)) || !in.Skip(size)) {
        return false;
      }
    }
    return in.ConsumedEntireMessage();
  }

 private:
  bool Spend(size_t cost) {
    if (cost > left_) return false;
    left_ -= cost;
    return true;
  }

  size_t left_;
};

}  // namespace

size_t CountFields(std::string_view bytes) {
  CodedInputStream in = StreamOf(bytes);
  size_t fields = 0;
  while (const uint32_t tag = in.ReadTag()) {
    ++fields;
    const uint32_t wire_type = tag & ((1u << kWireTypeBits) - 1);
    int size = 0;
    const bool read = wire_type == kBytes ? in.ReadVarintSizeAsInt(&size) && in.Skip(size)
                                          : SkipNumber(in, wire_type);
    if (!read) break;
  }
  return fields;
}

bool ParsesWithin(std::string_view bytes, const Descriptor& type, size_t max_cost) {
  CodedInputStream in = StreamOf(bytes);
  return Meter(max_cost).Read(in, &type, 0);
}

}  // namespace cairn::link
