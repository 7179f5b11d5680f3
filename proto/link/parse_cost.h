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

// Whether a message that came whole costs at most about what one of a link may: items within its
// items have no bound of their own. Short messages are not looked at: a busy link has many.
bool IsAffordable(std::string_view bytes, const google::protobuf::Descriptor& type);

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_PARSE_COST_H_
