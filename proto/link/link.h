// Link: one end of a resumable channel between two processes, over streams that may break.
//
// Appended items are gathered into messages, numbered 1, 2, 3, … when they are first written, and
// kept until the other end says that it has handled them. A broken stream loses nothing: on the
// next one both ends say what they have handled (Hello, Welcome) and continue from there. So every
// item arrives once and in order as long as both ends live; docs/RELAYS.md says what happens when
// one ends.
//
// Independent of topics, sockets, clocks and gRPC.
//
// Owner:  a lane (edge/lane_link.h) or the core's record of one (core/lane_channel.h).
// Thread: its owner's.
// Bounds: the owner compares cost() with its own bound. A written message is at most
//         kMaxMessageBytes, a larger item travels in parts; what the other end sends in parts is at
//         most max_whole_bytes.
// Errors: Receipt::kBroken when the other end breaks the numbering; the owner ends the stream.
#ifndef CAIRN_PROTO_LINK_LINK_H_
#define CAIRN_PROTO_LINK_LINK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/link/cost.h"
#include "proto/link/items.h"
#include "proto/link/parse_cost.h"

namespace cairn::link {

// The limits of a gathered message, and of a written one.
inline constexpr size_t kMaxMessageBytes = 512 << 10;
// A message is written once its items cost so much, also if the last one has not been written yet:
// then it stays in the processor's cache on its way. As many relays of the usual size are 16 KB.
inline constexpr size_t kGatheredBytes = 32 << 10;
// The fields of a message that its cost does not count, and what gRPC adds, take no more.
inline constexpr size_t kMessageSlack = 64 << 10;

enum class Receipt : uint8_t {
  kHandle,   // the message is new and whole: to be handled now
  kNothing,  // nothing to handle in it: an acknowledgement, a part, or something that was handled
             // before
  kBroken,   // a number was left out, something unsent was acknowledged, or parts do not make a
             // message
};

template <typename Out, typename In>
class Link {
 public:
  // A separate message acknowledges after this many items or this much cost, or when the other end
  // asks for it; otherwise the next message does, or one written because of AckNow().
  static constexpr int kItemsPerAck = 256;
  static constexpr size_t kCostPerAck = 1 << 20;

  // `window`: the owner keeps cost() below it. Above half of it, the other end is asked to
  // acknowledge at once.
  Link(size_t window, size_t max_whole_bytes)
      : window_(window), max_whole_bytes_(max_whole_bytes) {}

  // ---- sending

  // Takes the contents of `message` and leaves it cleared, with its memory kept.
  void Append(Out& message) {
    const size_t cost = CostOf(message);
    cost_ += cost;
    if (cost > kMaxMessageBytes) return AppendByItem(message, cost);
    MakeRoom(cost);
    MoveAll(message, open_);
  }

  // Items appended from now on go into another message.
  void Cut() {
    if (!IsEmpty(open_)) Seal();
  }

  // Whether Next() has a message, or an acknowledgement that is due. REQUIRES for true: attached.
  bool HasNext() const {
    return attached_ && (next_ < sealed_.size() || !IsEmpty(open_) || AckDue() || beat_now_);
  }
  // The next message to write, valid until the next call of a method that is not const. REQUIRES:
  // HasNext().
  Out& Next() {
    if (next_ == sealed_.size() && !IsEmpty(open_)) Seal();
    const bool is_part = next_ < sealed_.size() && sealed_[next_].bytes;
    if (is_part) FillPart(sealed_[next_]);
    Out& out = is_part                  ? (++next_, part_)
               : next_ < sealed_.size() ? *sealed_[next_++].message
                                        : bare_;
    if (written_ < next_) written_ = next_;
    out.set_received(received_);
    out.set_ack_now(cost_ > window_ / 2);
    told_received_ = received_;
    unacked_items_ = 0;
    unacked_cost_ = 0;
    ack_now_ = beat_now_ = false;
    return out;
  }
  // Acknowledges what has been received with the next message, even if that contains nothing else.
  void AckNow() { ack_now_ = received_ != told_received_; }
  // Writes the next message even if it is empty.
  void BeatNow() { beat_now_ = true; }

  // The cost of everything appended and not acknowledged.
  size_t cost() const { return cost_; }
  // The number up to which everything is acknowledged.
  uint64_t acknowledged() const { return first_number_ - 1; }
  // Everything that was appended is acknowledged.
  bool idle() const { return sealed_.empty() && IsEmpty(open_); }

  // ---- streams

  bool attached() const { return attached_; }
  // A stream has opened on which the other end continues this link; it has handled the messages up
  // to `received`: as Acknowledge(), and the rest is resent. 0 for a new link.
  template <typename Release>
  bool Attach(uint64_t received, Release release) {
    if (!Acknowledge(received, release)) return false;
    attached_ = true;
    next_ = 0;
    told_received_ = received_;
    return true;
  }
  void Detach() {
    attached_ = false;
    beat_now_ = false;
  }

  // The other end has handled everything up to `number`: calls release(Out&) for each of those
  // messages, oldest first. False when it was never sent.
  template <typename Release>
  bool Acknowledge(uint64_t number, Release release) {
    if (number > first_number_ - 1 + written_) return false;
    while (first_number_ <= number) {
      Sealed& sealed = sealed_.front();
      cost_ -= sealed.cost;
      if (!sealed.bytes) {
        release(*sealed.message);
        Recycle(sealed);
      } else if (sealed.is_last_part()) {
        Out whole = sealed.Whole();
        release(whole);
      }
      sealed_.pop_front();
      ++first_number_;
      --written_;
      if (next_ > 0) --next_;
    }
    return true;
  }

  // Returns everything that is not acknowledged, oldest first, for an owner that gives up the link;
  // nothing is left.
  std::vector<Out> TakeUnacknowledged() {
    if (!IsEmpty(open_)) Seal();
    std::vector<Out> messages;
    for (Sealed& sealed : sealed_) {
      if (!sealed.bytes) messages.push_back(std::move(*sealed.message));
      if (sealed.bytes && sealed.is_last_part()) messages.push_back(sealed.Whole());
    }
    first_number_ += sealed_.size();
    sealed_.clear();
    next_ = written_ = 0;
    cost_ = 0;
    return messages;
  }

  // ---- receiving

  // The highest number that was received, and therefore handled.
  uint64_t received() const { return received_; }

  // The parts received of an incomplete message.
  size_t part_bytes() const { return whole_.size(); }

  // Handles the acknowledgement in `message`, as Acknowledge(), and says whether the rest must be
  // handled. The last part of a message is replaced by the whole message.
  template <typename Release>
  Receipt Receive(In& message, Release release) {
    if (!Acknowledge(message.received(), release)) return Receipt::kBroken;
    if (message.number() == 0 || message.number() <= received_) return Receipt::kNothing;
    if (message.number() != received_ + 1) return Receipt::kBroken;
    received_ = message.number();
    ack_now_ = ack_now_ || message.ack_now();
    if (!message.part().empty() || message.more()) return ReceivePart(message);
    if (!whole_.empty()) return Receipt::kBroken;
    return Handle(message);
  }

 private:
  struct Sealed {
    std::unique_ptr<Out> message;  // of a part: only its number
    size_t cost = 0;
    // Of a part: the serialized whole, which all of its parts share, and the offset of this part.
    std::shared_ptr<const std::string> bytes;
    size_t at = 0;

    bool is_last_part() const { return at + kMaxMessageBytes >= bytes->size(); }
    Out Whole() const {
      Out whole;
      whole.ParseFromString(*bytes);  // of our own making
      return whole;
    }
  };
  // Together as many as a busy link has on its way.
  static constexpr size_t kMaxSpare = 32;
  static constexpr size_t kMaxSpareCost = 4 * kGatheredBytes;

  bool AckDue() const {
    return received_ != told_received_ &&
           (ack_now_ || unacked_items_ >= kItemsPerAck || unacked_cost_ >= kCostPerAck);
  }

  void AppendByItem(Out& message, size_t rest_cost) {
    ForEachItem(message, [&](auto& item, auto add) {
      const size_t cost = CostOf(item);
      MakeRoom(cost);
      rest_cost -= cost;
      add(open_, item);
    });
    MakeRoom(rest_cost);
    MoveRest(message, open_);
    message.Clear();
  }
  void MakeRoom(size_t cost) {
    if (open_cost_ > 0 && open_cost_ + cost > kGatheredBytes) Seal();
    open_cost_ += cost;
  }

  // Numbers the gathered message.
  void Seal() {
    if (open_cost_ > kMaxMessageBytes && open_.ByteSizeLong() > kMaxMessageBytes) {
      SealInParts();
    } else {
      Sealed& sealed = AddSealed();
      sealed.message->Swap(&open_);
      sealed.message->set_number(first_number_ + sealed_.size() - 1);
      sealed.cost = open_cost_;
    }
    open_cost_ = 0;
  }
  // Its message is empty. Pointers are passed on, because constructing and destroying messages
  // costs as much as their contents.
  Sealed& AddSealed() {
    Sealed& sealed = sealed_.emplace_back();
    if (spare_.empty()) {
      sealed.message = std::make_unique<Out>();
    } else {
      sealed.message = std::move(spare_.back());
      spare_.pop_back();
    }
    return sealed;
  }
  void SealInParts() {
    const auto bytes = std::make_shared<const std::string>(open_.SerializeAsString());
    open_ = Out();  // frees its memory
    for (size_t at = 0; at < bytes->size(); at += kMaxMessageBytes) {
      Sealed& sealed = AddSealed();
      sealed.message->set_number(first_number_ + sealed_.size() - 1);
      sealed.bytes = bytes;
      sealed.at = at;
    }
    // The memory is kept until the last part is acknowledged.
    sealed_.back().cost = open_cost_;
  }
  void FillPart(const Sealed& sealed) {
    part_.Clear();
    part_.set_number(sealed.message->number());
    part_.set_part(sealed.bytes->substr(sealed.at, kMaxMessageBytes));
    part_.set_more(!sealed.is_last_part());
  }
  void Recycle(Sealed& sealed) {
    if (spare_.size() >= kMaxSpare || sealed.cost > kMaxSpareCost) return;
    sealed.message->Clear();
    spare_.push_back(std::move(sealed.message));
  }

  Receipt ReceivePart(In& message) {
    if (whole_.size() + message.part().size() > max_whole_bytes_) {
      whole_ = {};
      return Receipt::kBroken;
    }
    whole_.append(message.part());
    unacked_cost_ += message.part().size();
    if (message.more()) return Receipt::kNothing;
    const std::string bytes = std::exchange(whole_, {});
    In put_together;
    const bool fits = ParsesWithin(bytes, *In::descriptor(), 2 * bytes.size() + kMaxMessageBytes);
    if (!fits || !put_together.ParseFromString(bytes)) return Receipt::kBroken;
    message.Swap(&put_together);
    return Handle(message);
  }
  Receipt Handle(const In& message) {
    unacked_items_ += ItemCount(message);
    unacked_cost_ += CostOf(message);
    return Receipt::kHandle;
  }

  const size_t window_;
  const size_t max_whole_bytes_;
  // ---- sending
  Out open_;  // gathers
  size_t open_cost_ = 0;
  std::deque<Sealed> sealed_;  // numbers first_number_ and up
  uint64_t first_number_ = 1;
  size_t next_ = 0;     // of sealed_: written on this stream before it
  size_t written_ = 0;  // of sealed_: written on some stream before it
  size_t cost_ = 0;
  std::vector<std::unique_ptr<Out>> spare_;
  Out bare_;  // carries acknowledgements alone
  Out part_;  // the part that is being written
  bool attached_ = false;
  // ---- receiving
  uint64_t received_ = 0;
  uint64_t told_received_ = 0;  // on this stream
  std::string whole_;           // the parts that have come
  int unacked_items_ = 0;
  size_t unacked_cost_ = 0;
  bool ack_now_ = false;
  bool beat_now_ = false;
};

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_LINK_H_
