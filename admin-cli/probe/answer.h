// Explains why an upgrade was not answered with 101, and what to do.
#ifndef CAIRN_ADMIN_CLI_PROBE_ANSWER_H_
#define CAIRN_ADMIN_CLI_PROBE_ANSWER_H_

#include <string>

#include "admin-cli/probe/network.h"

namespace cairn::admin {

std::string ExplainAnswer(const UpgradeAnswer& answer, bool token_was_sent);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_ANSWER_H_
