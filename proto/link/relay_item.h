// RelayItem: a MeshItem of KIND_RELAY, written and read without Protocol Buffers: cores exchange
// more of these than of all others.
//
// Thread: none of its own.
// Errors: Read() is false for what Write() would not write; Protocol Buffers may still read it.
// Form:   proto/signaling/v1/mesh.proto, with each field once, and `to` and `target` left out if 0.
#ifndef CAIRN_PROTO_LINK_RELAY_ITEM_H_
#define CAIRN_PROTO_LINK_RELAY_ITEM_H_

#include <google/protobuf/io/coded_stream.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "signaling/v1/mesh.pb.h"

namespace cairn::link {

struct RelayItem {
  uint64_t lane = 0;  // of its sender
  uint64_t peer = 0;
  uint64_t sequence = 0;
  uint64_t tag = 0;
  uint64_t to = 0;
  uint64_t target = 0;
  int64_t read_us = 0;
  std::string_view topic;
  std::string_view payload;

  static RelayItem Of(const signaling::v1::MeshItem& item) {
    return {item.lane(),   item.peer(),    item.sequence(), item.tag(),    item.to(),
            item.target(), item.read_us(), item.topic(),    item.payload()};
  }

  size_t Size() const {
    return kFixedBytes + (to ? kFixed64Bytes : 0) + (target ? kFixed64Bytes : 0) +
           Coded::VarintSize64(sequence) + Coded::VarintSize64(tag) +
           Coded::VarintSize64(static_cast<uint64_t>(read_us)) + SizeOf(topic) + SizeOf(payload);
  }
  // Writes Size() bytes, and returns their end.
  uint8_t* Write(uint8_t* at) const {
    *at++ = kKind;
    *at++ = signaling::v1::MeshItem::KIND_RELAY;
    at = WriteFixed(kLane, lane, at);
    at = WriteFixed(kPeer, peer, at);
    at = WriteVarint(kSequence, sequence, at);
    at = WriteVarint(kTagOfRelay, tag, at);
    if (to) at = WriteFixed(kTo, to, at);
    if (target) at = WriteFixed(kTarget, target, at);
    at = WriteVarint(kReadUs, static_cast<uint64_t>(read_us), at);
    at = WriteText(kTopic, topic, at);
    return WriteText(kPayload, payload, at);
  }
  // The texts are views of `bytes`.
  bool Read(std::string_view bytes);

 private:
  using Coded = google::protobuf::io::CodedOutputStream;
  using Item = signaling::v1::MeshItem;

  // Tags, of one byte each.
  static constexpr uint8_t kKind = Item::kKindFieldNumber << 3;
  static constexpr uint8_t kLane = Item::kLaneFieldNumber << 3 | 1;
  static constexpr uint8_t kPeer = Item::kPeerFieldNumber << 3 | 1;
  static constexpr uint8_t kSequence = Item::kSequenceFieldNumber << 3;
  static constexpr uint8_t kTagOfRelay = Item::kTagFieldNumber << 3;
  static constexpr uint8_t kTo = Item::kToFieldNumber << 3 | 1;
  static constexpr uint8_t kTarget = Item::kTargetFieldNumber << 3 | 1;
  static constexpr uint8_t kReadUs = Item::kReadUsFieldNumber << 3;
  static constexpr uint8_t kTopic = Item::kTopicFieldNumber << 3 | 2;
  static constexpr uint8_t kPayload = Item::kPayloadFieldNumber << 3 | 2;
  static constexpr size_t kFixed64Bytes = 9;
  // The kind, lane and peer, and the tags of sequence, tag and read_us.
  static constexpr size_t kFixedBytes = 2 + 2 * kFixed64Bytes + 3;

  static size_t SizeOf(std::string_view text) {
    return 1 + Coded::VarintSize32(static_cast<uint32_t>(text.size())) + text.size();
  }
  static uint8_t* WriteFixed(uint8_t tag, uint64_t value, uint8_t* at) {
    *at++ = tag;
    return Coded::WriteLittleEndian64ToArray(value, at);
  }
  static uint8_t* WriteVarint(uint8_t tag, uint64_t value, uint8_t* at) {
    *at++ = tag;
    return Coded::WriteVarint64ToArray(value, at);
  }
  static uint8_t* WriteText(uint8_t tag, std::string_view text, uint8_t* at) {
    *at++ = tag;
    at = Coded::WriteVarint32ToArray(static_cast<uint32_t>(text.size()), at);
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
  }
  // What is left of an item. Each call is false if another field, or none, is next.
  struct Rest {
    const uint8_t* at;
    const uint8_t* end;

    size_t size() const { return static_cast<size_t>(end - at); }
    bool Fixed(uint8_t field, uint64_t& value) {
      if (size() < kFixed64Bytes || *at != field) return false;
      google::protobuf::io::CodedInputStream::ReadLittleEndian64FromArray(at + 1, &value);
      at += kFixed64Bytes;
      return true;
    }
    [[gnu::always_inline]] bool Varint(uint8_t field, uint64_t& value) {
      if (size() < 2 || *at != field) return false;
      uint64_t read = at[1] & 0x7fU;
      const uint8_t* next = at + 2;
      for (int shift = 7; next[-1] >= 0x80; shift += 7) {
        if (shift >= 64 || next == end) return false;
        read |= uint64_t{*next++ & 0x7fU} << shift;
      }
      value = read;
      at = next;
      return true;
    }
    bool Text(uint8_t field, std::string_view& into) {
      uint64_t bytes = 0;
      if (!Varint(field, bytes) || size() < bytes) return false;
      into = {reinterpret_cast<const char*>(at), static_cast<size_t>(bytes)};
      at += bytes;
      return true;
    }
  };
};

inline bool RelayItem::Read(std::string_view bytes) {
  const auto* const begin = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bytes.size() < 2 || begin[0] != kKind || begin[1] != Item::KIND_RELAY) return false;
  Rest rest{begin + 2, begin + bytes.size()};
  to = target = 0;
  uint64_t read = 0;
  if (!rest.Fixed(kLane, lane) || !rest.Fixed(kPeer, peer) || !rest.Varint(kSequence, sequence) ||
      !rest.Varint(kTagOfRelay, tag))
    return false;
  rest.Fixed(kTo, to);
  rest.Fixed(kTarget, target);
  if (!rest.Varint(kReadUs, read) || !rest.Text(kTopic, topic) || !rest.Text(kPayload, payload))
    return false;
  read_us = static_cast<int64_t>(read);
  return rest.size() == 0;
}

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_RELAY_ITEM_H_
