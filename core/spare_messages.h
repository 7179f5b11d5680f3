// SpareMessages: messages between cores that have been handled, whose memory is used for those that
// come next: with many relays in flight most of what a message costs is its memory.
//
// Owner:  NatsBus.
// Thread: any.
// Bounds: kMaxSpare messages of kMaxItems items of kMaxItemBytes: 16 MiB.
#ifndef CAIRN_CORE_SPARE_MESSAGES_H_
#define CAIRN_CORE_SPARE_MESSAGES_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

class SpareMessages {
 public:
  static constexpr size_t kMaxSpare = 8;
  static constexpr int kMaxItems = 2'048;
  static constexpr size_t kMaxItemBytes = 1'024;

  // An empty one.
  signaling::v1::MeshMessage Take() {
    const MutexLock lock(mu_);
    if (spare_.empty()) return {};
    signaling::v1::MeshMessage message = std::move(spare_.back());
    spare_.pop_back();
    return message;
  }
  // Its contents are not needed any more. It may be empty, and have memory of earlier ones.
  void Give(signaling::v1::MeshMessage&& message) {
    if (message.items_size() > kMaxItems) return;
    for (std::string& item : *message.mutable_items()) {
      if (item.capacity() > kMaxItemBytes) std::string().swap(item);
    }
    message.Clear();
    const MutexLock lock(mu_);
    if (spare_.size() < kMaxSpare) spare_.push_back(std::move(message));
  }

 private:
  Mutex mu_;
  std::vector<signaling::v1::MeshMessage> spare_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_SPARE_MESSAGES_H_
