// MeshOutbox: the items that are gathered for another core, serialized once. Until the other core
// has settled a relay, it is kept in the memory that it was sent from.
//
// Owner:  a MeshMember.
// Thread: the router's.
// Bounds: kSpare pieces of memory that are used again, of kMaxSpareBytes each.
#ifndef CAIRN_CORE_MESH_OUTBOX_H_
#define CAIRN_CORE_MESH_OUTBOX_H_

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/link/byte_block.h"
#include "proto/link/link.h"
#include "proto/link/mesh_out.h"
#include "proto/link/relay_item.h"

namespace cairn::core {

// A serialized relay, in memory that it shares with others.
class PackedRelay {
 public:
  PackedRelay() = default;
  // In memory of its own.
  explicit PackedRelay(const link::RelayItem& relay) : size_(static_cast<uint32_t>(relay.Size())) {
    const auto bytes = std::make_shared<link::ByteBlock>();
    relay.Write(reinterpret_cast<uint8_t*>(bytes->Room(size_)));
    bytes->Extend(size_);
    bytes_ = bytes;
  }
  PackedRelay(std::shared_ptr<const link::ByteBlock> bytes, size_t at, size_t size)
      : bytes_(std::move(bytes)),
        at_(static_cast<uint32_t>(at)),
        size_(static_cast<uint32_t>(size)) {}

  size_t size() const { return size_; }
  // Valid as long as this, and until Part().
  link::RelayItem Read() const {
    link::RelayItem relay;
    relay.Read(bytes());  // of our own making
    return relay;
  }
  // Gives it memory of its own.
  void Part() {
    bytes_ = std::make_shared<const link::ByteBlock>(bytes());
    at_ = 0;
  }

 private:
  std::string_view bytes() const { return bytes_->view().substr(at_, size_); }

  std::shared_ptr<const link::ByteBlock> bytes_;
  uint32_t at_ = 0;
  uint32_t size_ = 0;
};

class MeshOutbox {
 public:
  using Item = signaling::v1::MeshItem;

  bool empty() const { return !adding_ && IsEmpty(out_); }
  // To be filled in; valid until the next call of any method.
  Item& Add(Item::Kind kind) {
    Pack();
    adding_ = true;
    item_.Clear();
    item_.set_kind(kind);
    return item_;
  }
  PackedRelay AddRelay(const link::RelayItem& relay) {
    Pack();
    const size_t size = relay.Size();
    return Append(size, [&relay](uint8_t* at) { relay.Write(at); });
  }
  // For a link, which leaves it cleared.
  link::MeshOut& All() {
    Pack();
    usual_bytes_ = std::min(std::max(usual_bytes_, out_.items().size()), kMaxReservedBytes);
    return out_;
  }
  void Clear() {
    adding_ = false;
    out_.Clear();
  }
  // At every tick: gives large pieces back that are not used any more, as of a snapshot.
  void Trim() {
    std::erase_if(spare_, [](const link::MeshOut::Bytes& one) {
      return one.use_count() == 1 && one->capacity() > kMaxSpareBytes;
    });
    usual_bytes_ /= 2;
  }

 private:
  using Coded = google::protobuf::io::CodedOutputStream;
  static constexpr size_t kSpare = 4;
  static constexpr size_t kMaxReservedBytes = 2 * link::kGatheredBytes;
  static constexpr size_t kMaxSpareBytes = 2 * link::kMaxMessageBytes;

  void Pack() {
    if (!std::exchange(adding_, false)) return;
    const size_t size = item_.ByteSizeLong();
    Append(size, [this](uint8_t* at) { item_.SerializeWithCachedSizesToArray(at); });
  }
  // An item of that size, which write() writes.
  template <typename WriteItem>
  PackedRelay Append(size_t size, WriteItem write) {
    const link::MeshOut::Bytes& bytes = out_.BytesOr([this] { return Fresh(); });
    auto* const begin = reinterpret_cast<uint8_t*>(bytes->Room(link::MeshOut::kMaxPrefix + size));
    uint8_t* at = Coded::WriteTagToArray(link::MeshOut::kTag, begin);
    at = Coded::WriteVarint32ToArray(static_cast<uint32_t>(size), at);
    write(at);
    const size_t prefix = static_cast<size_t>(at - begin);
    const size_t start = bytes->size() + prefix;
    bytes->Extend(prefix + size);
    out_.Count();
    return {bytes, start, size};
  }
  // Nobody uses a piece that nothing else refers to.
  link::MeshOut::Bytes Fresh() {
    for (link::MeshOut::Bytes& one : spare_) {
      if (one.use_count() > 1) continue;
      one->Clear();
      return one;
    }
    auto fresh = std::make_shared<link::ByteBlock>();
    // As large as the last ones, so that it is not copied while it grows.
    fresh->Reserve(usual_bytes_);
    if (spare_.size() < kSpare) spare_.push_back(fresh);
    return fresh;
  }

  link::MeshOut out_;
  Item item_;  // to be packed, if adding_
  bool adding_ = false;
  std::vector<link::MeshOut::Bytes> spare_;
  size_t usual_bytes_ = 0;  // of the largest message of late
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_OUTBOX_H_
