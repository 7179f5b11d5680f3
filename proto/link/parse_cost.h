// ParseCost: estimates the cost of a message before it is parsed: an empty item takes two bytes on
// the wire and hundreds in memory.
//
// Thread: any.
#ifndef CAIRN_PROTO_LINK_PARSE_COST_H_
#define CAIRN_PROTO_LINK_PARSE_COST_H_

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string_view>

namespace cairn::link {

// Counts the fields of the message itself, in bytes that may be malformed. Cheap: their contents
// are skipped.
size_t CountFields(std::string_view bytes);

// Whether the message of that type in `bytes` costs at most `max_cost`, roughly. False if it is
// malformed, or nested deeper than our messages are.
bool ParsesWithin(std::string_view bytes, const google::protobuf::Descriptor& type,
                  size_t max_cost);

// Whether a message has at most `max` fields of its own. Each takes two bytes or more, so that
// those of short messages need not be counted: a busy link has many.
inline bool HasFewFields(std::string_view bytes, size_t max) {
  return bytes.size() / 2 <= max || CountFields(bytes) <= max;
}

// Whether a message that came whole costs at most about what one of a link may: items within its
// items have no bound of their own. Short messages are not looked at.
template <typename Message>
bool IsAffordable(std::string_view bytes) {
  constexpr size_t kShort = 16 << 10;
  // Twice what link::kMaxMessageBytes of items can have (parse_cost_test.cc).
  constexpr size_t kMaxCost = 4 << 20;
  return bytes.size() <= kShort ||
         ParsesWithin(bytes, *Message::descriptor(), 2 * bytes.size() + kMaxCost);
}

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_PARSE_COST_H_
