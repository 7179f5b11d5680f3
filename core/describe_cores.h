// DescribeCores: the cores of a fleet as one of them sees them, for operators.
//
// Thread: the router's (inside an AdminCall).
#ifndef CAIRN_CORE_DESCRIBE_CORES_H_
#define CAIRN_CORE_DESCRIBE_CORES_H_

#include <string>

#include "core/router.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

// Appends this core, `name` of `version`, then the others, and those that were given up.
void DescribeCores(const Router& router, const std::string& name, const std::string& version,
                   signaling::v1::ListCoresResponse& out);

}  // namespace cairn::core

#endif  // CAIRN_CORE_DESCRIBE_CORES_H_
