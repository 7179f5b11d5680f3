// The version of cairn-admin.
#ifndef CAIRN_ADMIN_CLI_PRINTING_VERSION_H_
#define CAIRN_ADMIN_CLI_PRINTING_VERSION_H_

#include <string_view>

namespace cairn::admin {

extern const std::string_view kVersion;

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_VERSION_H_
