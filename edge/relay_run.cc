#include "edge/relay_run.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/peer_id.h"
#include "proto/wire/cbor_writer.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/v2_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

using signaling::v1::Delivery;

void RelayRun::Add(Delivery&& relay) {
  own_.reserve(kMost);
  CAIRN_CHECK(own_.size() == relays_.size() && own_.size() < kMost);
  Borrow(own_.emplace_back(std::move(relay)));
}

void RelayRun::Keep() {
  if (!own_.empty()) return;
  own_.resize(relays_.size());
  for (size_t i = 0; i < relays_.size(); ++i) {
    own_[i].Swap(relays_[i]);
    relays_[i] = &own_[i];
  }
}

void RelayRun::Clear() {
  relays_.clear();
  own_.clear();
  bytes_ = 0;
  native_frames_.Clear();
  v2_frames_.clear();
}

std::string_view RelayRun::NativeFrames() {
  if (native_frames_.size() > 0) return native_frames_.view();
  const auto begin_frame = [this](size_t bytes) {
    const size_t frame = wire::WsHeaderSize(bytes) + bytes;
    char* const at = native_frames_.Room(frame);
    native_frames_.Extend(frame);
    return wire::WriteWsHeader(wire::WsOpcode::kBinary, bytes, at);
  };
  const size_t bytes = wire::RelaySize(first().topic(), first().payload());
  wire::WriteRelay(first().topic(), first().payload(), begin_frame(bytes));
  // What precedes the payload is the same in all of them: it is copied from the first.
  const size_t head_at = wire::WsHeaderSize(bytes);
  const size_t head_bytes = bytes - wire::StringSize(first().payload());
  for (const Delivery* relay : relays().subspan(1)) {
    char* const message = begin_frame(head_bytes + wire::StringSize(relay->payload()));
    const char* const head = native_frames_.view().data() + head_at;
    wire::WriteBytes(relay->payload(), std::copy_n(head, head_bytes, message));
  }
  return native_frames_.view();
}

std::string_view RelayRun::V2Frames() {
  if (!v2_frames_.empty()) return v2_frames_;
  const std::string sender = FormatId(first().from());
  std::string message;
  for (const Delivery* relay : relays_) {
    message.clear();
    wire::AppendRelayFrom(relay->topic(), relay->payload(), sender, message);
    wire::AppendWsFrame(wire::WsOpcode::kBinary, message, v2_frames_);
  }
  return v2_frames_;
}

}  // namespace cairn::edge
