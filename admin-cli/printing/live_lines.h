// Live lines: one event or one relay as a line, in fixed columns.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PRINTING_LIVE_LINES_H_
#define CAIRN_ADMIN_CLI_PRINTING_LIVE_LINES_H_

#include <string>

#include "admin-cli/printing/table.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

// Each ends with a line feed and is cut to the style's width. A message that only says what was
// missed gives a line about that alone.
std::string EventLine(const ::cairn::signaling::v1::Event& event, const Style& style);
std::string TraceHeading(const Style& style);
std::string TraceLine(const ::cairn::signaling::v1::TraceRecord& record, const Style& style);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_LIVE_LINES_H_
