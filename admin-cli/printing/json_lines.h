// JSON for scripts: one message, one line.
//
// Form:   field names as in admin.proto. Every field is printed, so that a script finds each name
//         in each line, except unset sub-messages and unset members of a oneof. 64-bit integers are
//         numbers (protobuf's own JSON makes them strings, which sort as text). Enums are printed
//         by name. Numbers that JSON cannot express (NaN, infinities) are null.
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PRINTING_JSON_LINES_H_
#define CAIRN_ADMIN_CLI_PRINTING_JSON_LINES_H_

#include <google/protobuf/message.h>

#include <string>

namespace cairn::admin {

// Without a line feed.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_JSON_LINES_H_
