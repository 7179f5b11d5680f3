// MeshOut: a message for another core, whose items are serialized when they are added: what is
// sent, and what is kept until it is acknowledged, is the same memory.
//
// As MeshMessage to a Link, which adds the numbers; the receiver parses a MeshMessage.
//
// Owner:  a link, or who gathers for one.
// Thread: its owner's.
// Bounds: its owner's, by CostOf().
#ifndef CAIRN_PROTO_LINK_MESH_OUT_H_
#define CAIRN_PROTO_LINK_MESH_OUT_H_

#include <google/protobuf/io/coded_stream.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proto/link/byte_block.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::link {

// Of an item that is serialized: beside its bytes, what is known of it.
inline constexpr size_t kPackedItemCost = 96;

// One entry of MeshMessage.items, with its tag and length.
struct PackedItem {
  std::string_view bytes;
};
inline size_t CostOf(const PackedItem& item) { return kPackedItemCost + item.bytes.size(); }

class MeshOut {
 public:
  using Head = signaling::v1::MeshMessage;
  using Bytes = std::shared_ptr<ByteBlock>;

  static constexpr uint32_t kTag = Head::kItemsFieldNumber << 3 | 2;
  // Of a tag and a length.
  static constexpr size_t kMaxPrefix = 2 * 5;

  // Everything but the items.
  Head& head() { return head_; }
  const Head& head() const { return head_; }
  // Serialized; a message is its head, followed by these.
  std::string_view items() const { return bytes_ ? bytes_->view() : std::string_view(); }
  int count() const { return count_; }
  size_t cost() const { return static_cast<size_t>(count_) * kPackedItemCost + items().size(); }

  // ---- adding
  // The memory that items are added to, shared with users of single items; `fresh()` returns an
  // empty piece without other users.
  template <typename Fresh>
  const Bytes& BytesOr(Fresh fresh) {
    if (!bytes_) bytes_ = fresh();
    return bytes_;
  }
  // An item has been added to the memory.
  void Count() { ++count_; }
  void Add(const PackedItem& item) {
    BytesOr([] { return std::make_shared<ByteBlock>(); })->Append(item.bytes);
    Count();
  }
  void AddAll(const MeshOut& other) {
    BytesOr([] { return std::make_shared<ByteBlock>(); })->Append(other.items());
    count_ += other.count_;
  }
  // Takes the item at the front of `items` off.
  static PackedItem TakeFirst(std::string_view& items) {
    google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(items.data()),
                                                 static_cast<int>(items.size()));
    input.ReadTag();
    uint32_t size = 0;
    input.ReadVarint32(&size);
    const PackedItem first{items.substr(0, static_cast<size_t>(input.CurrentPosition()) + size)};
    items.remove_prefix(first.bytes.size());
    return first;
  }

  // ---- for Link
  void Swap(MeshOut* other) {
    head_.Swap(&other->head_);
    bytes_.swap(other->bytes_);
    std::swap(count_, other->count_);
  }
  // Others may refer to its memory.
  void Clear() {
    head_.Clear();
    bytes_.reset();
    count_ = 0;
  }
  uint64_t number() const { return head_.number(); }
  void set_number(uint64_t number) { head_.set_number(number); }
  void set_received(uint64_t received) { head_.set_received(received); }
  void set_ack_now(bool now) { head_.set_ack_now(now); }
  void set_part(std::string part) { head_.set_part(std::move(part)); }
  void set_more(bool more) { head_.set_more(more); }
  size_t ByteSizeLong() const { return head_.ByteSizeLong() + items().size(); }
  std::string SerializeAsString() const {
    std::string bytes = head_.SerializeAsString();
    return bytes.append(items());
  }
  // Of what has no head.
  void ParseFromString(const std::string& bytes) {
    Clear();
    for (std::string_view rest = bytes; !rest.empty();) Add(TakeFirst(rest));
  }

 private:
  Head head_;
  Bytes bytes_;  // null: empty
  int count_ = 0;
};

inline size_t CostOf(const MeshOut& message) { return message.cost(); }
inline bool IsEmpty(const MeshOut& message) { return message.count() == 0; }
template <typename Take>
void ForEachItem(MeshOut& message, Take take) {
  for (std::string_view rest = message.items(); !rest.empty();) {
    PackedItem item = MeshOut::TakeFirst(rest);
    take(item, [](MeshOut& to, const PackedItem& one) { to.Add(one); });
  }
}
inline void MoveRest(MeshOut&, MeshOut&) {}
inline void MoveAll(MeshOut& from, MeshOut& to) {
  if (IsEmpty(to)) {
    to.Swap(&from);
  } else {
    to.AddAll(from);
  }
  from.Clear();
}

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_MESH_OUT_H_
