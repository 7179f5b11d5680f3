#include "admin-cli/printing/version.h"

namespace cairn::admin {

const std::string_view kVersion = CAIRN_VERSION;

}  // namespace cairn::admin
