// JSON for scripts: one message, one line.
//
// Form:   field names as in admin.proto; every field but unset sub-messages and unset members of a
// oneof, so that a
//         script finds each name in each line; 64-bit integers as numbers (protobuf's own JSON
//         makes them strings, which compare as text); enums by name; numbers that JSON has no form
//         for are null.
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_JSON_LINES_H_
#define CAIRN_ADMIN_CLI_JSON_LINES_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

namespace cairn::admin {

// Without the end of the line.
std::string ToJson(const google::protobuf::Message& message);

// Appends `text` in quotes (RFC 8259 section 7). What is not UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_JSON_LINES_H_
