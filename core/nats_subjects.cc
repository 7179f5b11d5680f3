#include "core/nats_subjects.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <cstddef>

namespace cairn::core {
namespace {

void AppendHex(uint64_t id, std::string& to) {
  absl::StrAppend(&to, absl::Hex(id, absl::kZeroPad16));
}

}  // namespace

NatsSubjects::NatsSubjects(const NatsOptions& options)
    : prefix_(absl::StrCat("sg.", options.fleet, ".")), all_(absl::StrCat(prefix_, "all")) {
  AppendInboxOf(options.core_id, inbox_);
  own_ = absl::StrCat(prefix_, "n.", absl::Hex(options.core_id, absl::kZeroPad16), ".");
  answers_ = absl::StrCat(own_, "*");
}

void NatsSubjects::AppendInboxOf(uint64_t core_id, std::string& to) const {
  to.append(prefix_).append("c.");
  AppendHex(core_id, to);
}

std::optional<uint64_t> NatsSubjects::CoreOf(std::string_view answer) const {
  uint64_t id = 0;
  if (answer.substr(0, own_.size()) != own_ ||
      !absl::SimpleHexAtoi(std::string(answer.substr(own_.size())), &id))
    return std::nullopt;
  return id;
}

void NatsSubjects::AppendPublish(const signaling::v1::MeshMessage& head, std::string_view items,
                                 std::string& to) const {
  to.append("PUB ");
  if (head.to() == 0) {
    to.append(all_);
  } else {
    AppendInboxOf(head.to(), to);
    to.append(" ").append(own_);
    AppendHex(head.to(), to);
  }
  const size_t head_bytes = head.ByteSizeLong();
  absl::StrAppend(&to, " ", head_bytes + items.size(), "\r\n");
  const size_t at = to.size();
  to.resize(at + head_bytes);
  head.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(to.data()) + at);
  to.append(items).append("\r\n");
}

}  // namespace cairn::core
