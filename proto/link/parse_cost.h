// ParseCost: what parsed messages would cost, told from their bytes: an empty item takes two bytes
// on the wire and hundreds in memory.
//
// Thread: any.
#ifndef CAIRN_PROTO_LINK_PARSE_COST_H_
#define CAIRN_PROTO_LINK_PARSE_COST_H_

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string_view>

namespace cairn::link {

// Fields of the message itself, in bytes that may be malformed. Cheap: what is in them is skipped.
size_t CountFields(std::string_view bytes);

// Whether the message of that type that `bytes` are costs at most `max_cost`, roughly. False for
// what is malformed, or nested deeper than our messages are.
bool ParsesWithin(std::string_view bytes, const google::protobuf::Descriptor& type,
                  size_t max_cost);

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_PARSE_COST_H_
