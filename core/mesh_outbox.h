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
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/link/link.h"
#include "proto/link/mesh_out.h"

namespace cairn::core {

// A serialized MeshItem, in memory that it shares with others.
class PackedRelay {
 public:
  PackedRelay() = default;
  PackedRelay(std::shared_ptr<const std::string> bytes, size_t at, size_t size)
      : bytes_(std::move(bytes)), at_(at), size_(size) {}

  size_t size() const { return size_; }
  void Parse(signaling::v1::MeshItem& into) const {
    into.ParseFromArray(bytes_->data() + at_, static_cast<int>(size_));  // of our own making
  }
  // Gives it memory of its own.
  void Part() {
    bytes_ = std::make_shared<const std::string>(bytes_->substr(at_, size_));
    at_ = 0;
  }

 private:
  std::shared_ptr<const std::string> bytes_;
  size_t at_ = 0;
  size_t size_ = 0;
};

class MeshOutbox {
 public:
  using Item = signaling::v1::MeshItem;

  // The strings of a relay, which are not copied before they are serialized.
  struct Text {
    std::string_view topic;
    std::string_view payload;
  };

  bool empty() const { return !adding_ && IsEmpty(out_); }
  // To be filled in; valid until the next call of any method.
  Item& Add(Item::Kind kind) {
    Pack();
    adding_ = true;
    item_.Clear();
    item_.set_kind(kind);
    return item_;
  }
  // `rest`: a relay without its strings.
  PackedRelay AddRelay(const Item& rest, const Text& text) {
    Pack();
    return Pack(rest, text);
  }
  // For a link, which leaves it cleared.
  link::MeshOut& All() {
    Pack();
    return out_;
  }
  void Clear() {
    adding_ = false;
    out_.Clear();
  }
  // At every tick: gives large pieces back that are not used any more, as of a snapshot.
  void Trim() {
    std::erase_if(spare_, [](const std::shared_ptr<std::string>& one) {
      return one.use_count() == 1 && one->capacity() > kMaxSpareBytes;
    });
  }

 private:
  using Coded = google::protobuf::io::CodedOutputStream;
  static constexpr size_t kSpare = 4;
  static constexpr size_t kMaxSpareBytes = 2 * link::kMaxMessageBytes;

  void Pack() {
    if (std::exchange(adding_, false)) Pack(item_, {});
  }
  PackedRelay Pack(const Item& rest, const Text& text) {
    const std::shared_ptr<std::string>& bytes = out_.BytesOr([this] { return Fresh(); });
    const size_t size = rest.ByteSizeLong() + SizeOf(text.topic) + SizeOf(text.payload);
    const size_t before = bytes->size();
    bytes->resize(before + link::MeshOut::kMaxPrefix + size);
    auto* const begin = reinterpret_cast<uint8_t*>(bytes->data());
    uint8_t* at = Coded::WriteTagToArray(link::MeshOut::kTag, begin + before);
    at = Coded::WriteVarint32ToArray(static_cast<uint32_t>(size), at);
    const size_t start = static_cast<size_t>(at - begin);
    at = rest.SerializeWithCachedSizesToArray(at);
    at = Write(Item::kTopicFieldNumber, text.topic, at);
    at = Write(Item::kPayloadFieldNumber, text.payload, at);
    bytes->resize(static_cast<size_t>(at - begin));
    out_.Count();
    return {bytes, start, size};
  }
  // Of fields whose tags take one byte.
  static size_t SizeOf(std::string_view text) {
    if (text.empty()) return 0;
    return 1 + Coded::VarintSize32(static_cast<uint32_t>(text.size())) + text.size();
  }
  static uint8_t* Write(uint32_t field, std::string_view text, uint8_t* at) {
    if (text.empty()) return at;
    at = Coded::WriteTagToArray(field << 3 | 2, at);
    at = Coded::WriteVarint32ToArray(static_cast<uint32_t>(text.size()), at);
    return std::copy(text.begin(), text.end(), at);
  }
  // Nobody uses a piece that nothing else refers to.
  std::shared_ptr<std::string> Fresh() {
    for (std::shared_ptr<std::string>& one : spare_) {
      if (one.use_count() > 1) continue;
      one->clear();
      return one;
    }
    auto fresh = std::make_shared<std::string>();
    if (spare_.size() < kSpare) spare_.push_back(fresh);
    return fresh;
  }

  link::MeshOut out_;
  Item item_;  // to be packed, if adding_
  bool adding_ = false;
  std::vector<std::shared_ptr<std::string>> spare_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_OUTBOX_H_
